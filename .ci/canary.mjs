// Proves that the boundary rules are on: plants forbidden imports, runs lint through Nx and fails when lint
// stays green or speaks of something else. What was planted is removed again, also on Ctrl-C.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BOUNDARIES = '@nx/enforce-module-boundaries';

const PLANTS = [
  ['libs/contracts', 'what its type may not use', "import '@trivium/testing';", BOUNDARIES],
  ['libs/contracts', 'a library with I/O from a pure project', "import 'pino';", BOUNDARIES],
  ['libs/contracts', 'Node from a pure project', "import 'node:fs';", 'no-restricted-imports'],
  ['libs/contracts', 'Node without its prefix from a pure project', "import 'fs';", 'no-restricted-imports'],
  ['libs/bus', 'an app by its name', "import '@trivium/router/src/main.ts';", 'no-restricted-imports'],
  ['libs/bus', 'an app by its path', "import '../../../apps/router/src/main.ts';", BOUNDARIES],
  ['libs/bus', 'the inside of another lib', "import '../../contracts/src/index.ts';", BOUNDARIES],
].map(([project, what, code, rule], index) => ({
  project,
  what,
  code,
  rule,
  file: `src/planted-${index}.ts`,
}));

const remove = () =>
  PLANTS.forEach(({ project, file }) => rmSync(join(ROOT, project, file), { force: true }));
process.on('exit', remove);
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

let missed = 0;
for (const project of new Set(PLANTS.map((plant) => plant.project))) {
  const plants = PLANTS.filter((plant) => plant.project === project);
  for (const { file, code } of plants) writeFileSync(join(ROOT, project, file), `${code}\n`);
  const name = `@trivium/${project.split('/')[1]}`;
  const lint = spawnSync('npx', ['nx', 'lint', name, '--skip-nx-cache', '--output-style=static'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' },
  });
  const output = `${lint.stdout}${lint.stderr}`;
  for (const { what, file, rule } of plants) {
    const caught = lint.status !== 0 && reports(output, file).some((line) => line.includes(rule));
    console.log(`canary: ${caught ? 'refused' : 'NOT REFUSED'}: ${what} (${project}, ${rule})`);
    if (!caught) missed += 1;
  }
  if (missed > 0) console.log(output);
}
process.exitCode = missed === 0 ? 0 : 1;

/** eslint's lines about one file: those after its path up to the next file's or the sum. */
function reports(output, file) {
  const lines = output.split('\n');
  const start = lines.findIndex((line) => line.trim().endsWith(file));
  if (start === -1) return [];
  const end = lines.findIndex((line, index) => index > start && /^\S*([/\\]src[/\\]planted-|✖)/.test(line));
  return lines.slice(start + 1, end === -1 ? undefined : end);
}
