// Sums the vitest results of all projects: `node .ci/count.mjs` prints "<passed> <failed>" as its last line, and
// before it the names of what failed or did not run. A test that was skipped, a file that could not be loaded and a
// project with tests but without results count as failed: green means that everything ran.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let passed = 0;
const failures = [];

for (const manifest of globSync('{apps,libs,tools}/*/package.json').sort()) {
  const project = dirname(manifest);
  if (globSync(`${project}/src/**/*.test.ts`).length === 0) continue;
  const files = globSync(`${project}/test-results/*.json`);
  if (files.length === 0) failures.push(`${project}: its tests did not run`);
  for (const file of files) count(project, JSON.parse(readFileSync(join(file), 'utf8')));
}

function count(project, { testResults, success }) {
  const before = failures.length;
  for (const { name, status, assertionResults, message } of testResults) {
    const file = name.slice(name.indexOf(project));
    for (const test of assertionResults) {
      if (test.status === 'passed') passed += 1;
      else failures.push(`${file}: ${test.fullName} (${test.status === 'failed' ? 'failed' : 'not run'})`);
    }
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed'))
      failures.push(`${file}: ${message.split('\n')[0] || 'could not be loaded'}`);
  }
  if (success === false && failures.length === before)
    failures.push(`${project}: an error outside its tests`);
}

for (const failure of failures) console.log(`ci: ${failure}`);
console.log(`${passed} ${failures.length}`);
