import { realpathSync } from 'node:fs';
import { access, copyFile, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fetchFromDebian } from './nats-debian.mjs';
import { fetchRelease, placeExecutable } from './nats-release.mjs';
import { formatVersion, isUsable, parseVersion, PINNED } from './nats-version.mjs';
import { exe } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * @typedef {object} Source a place where a nats-server may be had, tried in order
 * @property {string} name
 * @property {boolean} [slow] goes over the network: gets a progress line of its own
 * @property {() => Promise<{ path: string } | { reason: string }>} find
 * @property {'copy' | 'link' | 'keep'} placed how the server comes to the checkout's `.trivium/bin`
 */

/**
 * The first source whose server runs and is new enough. Rejects with every source's reason when there is none.
 * @param {readonly Source[]} sources
 * @param {(path: string) => Promise<import('./nats-version.mjs').Version | undefined>} versionOf
 * @param {import('./progress.mjs').Progress} progress
 */
export async function firstUsable(sources, versionOf, progress) {
  /** @type {string[]} */
  const reasons = [];
  for (const source of sources) {
    const found = await (source.slow
      ? progress.step(`nats-server: ${source.name}`, source.find, reasonOrDone)
      : source.find());
    const version = 'path' in found ? await versionOf(found.path) : undefined;
    if ('path' in found && version !== undefined && isUsable(version)) {
      return { path: found.path, version, source };
    }
    const reason =
      'reason' in found
        ? found.reason
        : version === undefined
          ? `${found.path} does not run here`
          : `${found.path} is ${formatVersion(version)}, too old or too new`;
    reasons.push(`${source.name}: ${reason}`);
  }
  throw new SetupError(
    `no nats-server 2.15 or newer could be had:\n${reasons.map((line) => `  - ${line}`).join('\n')}`,
    `Put nats-server ${PINNED} on PATH (its site offers releases for every system), or connect this host to the network, and start again.`,
  );
}

/** @param {{ path: string } | { reason: string }} found */
const reasonOrDone = (found) => ('reason' in found ? found.reason : 'done');

/**
 * PATH, the checkout, the user's cache, the release, Debian: in this order.
 * @param {object} options
 * @param {import('./places.mjs').Places} options.places
 * @param {NodeJS.Platform} options.platform
 * @param {string} options.arch
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import('./run.mjs').Run} options.run
 * @returns {Source[]}
 */
export function natsSources({ places, platform, arch, env, run }) {
  const cached = join(places.cache, `${platform}-${arch}`, exe('nats-server', platform));
  return [
    { name: 'PATH', placed: 'link', find: () => onPath(exe('nats-server', platform), env['PATH'] ?? '') },
    { name: 'this checkout', placed: 'keep', find: () => at(places.natsServer) },
    { name: 'the cache', placed: 'copy', find: () => at(cached) },
    {
      name: `release ${PINNED}`,
      placed: 'copy',
      slow: true,
      find: async () => pathOr(cached, await fetchRelease({ target: cached, platform, arch })),
    },
    {
      name: "Debian's newer suite",
      placed: 'copy',
      slow: true,
      find: async () =>
        platform === 'linux'
          ? pathOr(cached, await fetchFromDebian({ target: cached, run }))
          : { reason: 'this is not a Debian host' },
    },
  ];
}

/**
 * Brings the server to its one place in the checkout.
 * @param {string} path
 * @param {string} target
 * @param {Source['placed']} placed
 */
export async function placeServer(path, target, placed) {
  if (placed === 'keep') return;
  if (placed === 'copy') return placeExecutable(target, await readFile(path));
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}`;
  await rm(partial, { force: true });
  await symlink(realpathSync(path), partial).catch(() => copyFile(path, partial));
  await rename(partial, target);
}

/** @param {import('./run.mjs').Run} run */
export const askVersion = (run) => async (/** @type {string} */ path) => {
  const { code, stdout } = await run(path, ['--version'], { timeoutMs: 10_000 });
  return code === 0 ? parseVersion(stdout) : undefined;
};

/** @param {string} path @param {string | undefined} reason */
const pathOr = (path, reason) => (reason === undefined ? { path } : { reason });

/** @param {string} path */
const at = (path) =>
  access(path).then(
    () => ({ path }),
    () => ({ reason: 'none there' }),
  );

/** @param {string} name @param {string} path */
async function onPath(name, path) {
  for (const directory of path.split(delimiter).filter(Boolean)) {
    const found = await at(join(directory, name));
    if ('path' in found) return found;
  }
  return { reason: 'none there' };
}
