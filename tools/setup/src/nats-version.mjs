/** The release that is fetched when there is no usable nats-server yet. */
export const PINNED = '2.15.1';

/** @typedef {readonly [major: number, minor: number, patch: number]} Version */

/**
 * Reads the version from `nats-server --version`, e.g. `nats-server: v2.15.1`.
 * @param {string} text
 * @returns {Version | undefined}
 */
export function parseVersion(text) {
  const found = /\bv?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

/**
 * The services need what 2.15 brought and are not tested with a next major version.
 * @param {Version} version
 */
export const isUsable = ([major, minor]) => major === 2 && minor >= 15;

/** @param {Version} version */
export const formatVersion = (version) => version.join('.');
