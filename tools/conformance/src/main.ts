import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cover, type NamedTest } from './coverage.ts';
import { page } from './page.ts';
import { readStandard } from './standard.ts';
import { testNames } from './test-names.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const list = (name: string): string =>
  readFileSync(new URL(`statements/${name}.txt`, import.meta.url), 'utf8');

/** Projects whose tests show what something else than the hub does: a stock aedes, or a tool of ours. */
const OTHERS = /^(libs\/mqtt-aedes|tools\/.*)$/;

const tests = globSync('{apps,libs,tools}/*/src/**/*.test.ts', { cwd: root })
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
  .flatMap((path): NamedTest[] => {
    const project = path.split('/').slice(0, 2).join('/');
    const names = testNames(path, readFileSync(join(root, path), 'utf8'));
    const file = path.slice(project.length + 1);
    return names.map((name) => ({ project, file, name, counts: !OTHERS.test(project) }));
  });
const standards = [
  readStandard('MQTT 5', 'MQTT', list('mqtt-5')),
  readStandard('MQTT 3.1.1', 'MQTT3', list('mqtt-3.1.1')),
];
const { coverage, faults } = cover(standards, tests);
if (faults.length > 0) {
  console.error(`docs/conformance.md is not written:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
  process.exitCode = 1;
} else {
  writeFileSync(join(root, 'docs/conformance.md'), page(coverage));
}
