import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where set-up keeps things. Everything of one checkout is under its `.trivium`; downloads that other
 * checkouts can use again are in the user's cache.
 * @typedef {object} Places
 * @property {string} root the checkout
 * @property {string} stamp what was set up, see stamp.mjs
 * @property {string} natsServer the one path that everything else starts nats-server from
 * @property {string} cache the user's cache directory of this project
 */

/**
 * @param {{ root: string, platform: NodeJS.Platform, env: NodeJS.ProcessEnv, home?: string }} from
 * @returns {Places}
 */
export function places({ root, platform, env, home = homedir() }) {
  return {
    root,
    stamp: join(root, '.trivium', 'setup.json'),
    natsServer: join(root, '.trivium', 'bin', exe('nats-server', platform)),
    cache: join(userCache(platform, env, home), 'trivium'),
  };
}

/** @param {NodeJS.Platform} platform @param {NodeJS.ProcessEnv} env @param {string} home */
function userCache(platform, env, home) {
  if (env['XDG_CACHE_HOME']) return env['XDG_CACHE_HOME'];
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local');
  return platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
}

/** @param {string} name @param {NodeJS.Platform} platform */
export const exe = (name, platform) => (platform === 'win32' ? `${name}.exe` : name);
