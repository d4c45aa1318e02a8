// Copies what one app or tool needs to run, and nothing else, from an installed checkout to an empty folder: its own
// source, the libs and the packages that it depends on, directly or not, each where Node finds it.
//
//   node deploy/docker/prune.mjs <folder> <target>
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

const [folder, target] = process.argv.slice(2);
if (folder === undefined || target === undefined) {
  console.error('usage: prune.mjs <folder> <target>');
  process.exit(78);
}
const root = process.cwd();
const seen = new Set();

take(join(root, folder));
cpSync(join(root, 'package.json'), join(target, 'package.json'));

/** A package's folder and everything that it depends on. */
function take(folder) {
  if (seen.has(folder)) return;
  seen.add(folder);
  cpSync(folder, join(target, relative(root, folder)), { recursive: true, filter: isNeeded });
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
  } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...peerDependencies, ...optionalDependencies, ...dependencies })) {
    const found = find(name, folder);
    if (found !== undefined) take(found);
    else if (name in dependencies && !(name in optionalDependencies))
      throw new Error(`${name}, of ${folder}, is not installed`);
  }
}

/** Where Node would find `name` from `folder`; a link to a lib is copied as a link. */
function find(name, folder) {
  for (let at = folder; ; at = dirname(at)) {
    const place = join(at, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) {
      if (lstatSync(place).isSymbolicLink()) link(place);
      return realpathSync(place);
    }
    if (at === root || at === dirname(at)) return undefined;
  }
}

function link(place) {
  const copy = resolve(target, relative(root, place));
  if (existsSync(copy) || seen.has(place)) return;
  seen.add(place);
  mkdirSync(dirname(copy), { recursive: true });
  symlinkSync(readlinkSync(place), copy);
}

/** Packages inside a package are taken one by one; tests and what only they use stay behind. */
function isNeeded(path) {
  const name = basename(path);
  if (name === 'node_modules' || name === 'test-results') return false;
  const ours = !path.includes(`${join('/', 'node_modules', '/')}`);
  return (
    !ours ||
    !(
      /\.(test|bench|fixture)\.ts$/.test(name) ||
      (name === 'bench' && dirname(dirname(dirname(path))) === root)
    )
  );
}
