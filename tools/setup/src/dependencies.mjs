import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exe } from './places.mjs';
import { lastWords } from './run.mjs';
import { SetupError } from './setup-error.mjs';

/** The Node that the project runs on comes from npm; the major version that it must be. */
const NODE_MAJOR = 24;

/**
 * Whether what npm recorded as installed (`node_modules/.package-lock.json`) is what the lockfile asks for, as
 * after the user's own `npm install`. Optional packages may be absent: they are for other platforms.
 * @param {string} root
 */
export async function installedMatchesLock(root) {
  const [wanted, installed] = await Promise.all([
    packagesOf(join(root, 'package-lock.json')),
    packagesOf(join(root, 'node_modules', '.package-lock.json')),
  ]);
  return wanted !== undefined && installed !== undefined && matchesLock(wanted, installed);
}

/**
 * @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, link?: boolean, integrity?: string }} Locked
 * @param {Record<string, Locked>} wanted
 * @param {Record<string, Locked>} installed
 */
export function matchesLock(wanted, installed) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** @param {string} file @returns {Promise<Record<string, Locked> | undefined>} */
async function packagesOf(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * `npm ci`, with its output shown.
 * @param {string} root
 * @param {import('./run.mjs').Run} run
 */
export async function installDependencies(root, run) {
  const { code } = await run(npm(), ['ci', '--no-audit', '--no-fund'], { cwd: root, show: true });
  if (code === 0) return;
  throw new SetupError(
    `npm ci failed with code ${code}`,
    'Its own message is above. Most often the network or a proxy is in the way, or package.json was changed without `npm install`.',
  );
}

/**
 * Makes sure that `node_modules/.bin/node` is the Node of the project. npm leaves it empty where install scripts
 * are switched off; then that one script is run.
 * @param {string} root
 * @param {import('./run.mjs').Run} run
 * @param {NodeJS.Platform} platform
 * @returns {Promise<string>} its version
 */
export async function ensureNode(root, run, platform) {
  const first = await nodeVersion(root, run, platform);
  if (first?.major === NODE_MAJOR) return first.text;
  const rebuilt = await run(npm(), ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts'], {
    cwd: root,
  });
  const second = await nodeVersion(root, run, platform);
  if (second?.major === NODE_MAJOR) return second.text;
  const state = second === undefined ? 'is missing or does not run' : `is ${second.text}`;
  throw new SetupError(
    `node_modules/.bin/node ${state}, it must be v${NODE_MAJOR}\n${lastWords(rebuilt)}`,
    'Remove node_modules and start again. If npm may not run install scripts here, allow the one of the package `node` (npm approve-scripts node).',
  );
}

/** @param {string} root @param {import('./run.mjs').Run} run @param {NodeJS.Platform} platform */
async function nodeVersion(root, run, platform) {
  const node = join(root, 'node_modules', 'node', 'bin', exe('node', platform));
  if (!existsSync(node)) return undefined;
  const { code, stdout } = await run(node, ['--version'], { timeoutMs: 20_000 });
  const major = /^v(\d+)\./.exec(stdout)?.[1];
  return code === 0 && major !== undefined ? { text: stdout.trim(), major: Number(major) } : undefined;
}

const npm = () => exe('npm', process.platform).replace(/\.exe$/, '.cmd');
