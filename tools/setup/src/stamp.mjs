import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Text } from './checksum.mjs';
import { exe } from './places.mjs';

/**
 * What set-up did last, kept in `.trivium/setup.json`. A part is current when what it was made from and what it
 * made are both unchanged; anything unreadable counts as not current.
 * @typedef {object} Stamp
 * @property {string} [dependencies] of the lockfile, the platform and npm's record in node_modules
 * @property {string} [natsServer] of the server file
 */

/** @param {string} file @returns {Promise<Stamp>} */
export async function readStamp(file) {
  try {
    const stamp = JSON.parse(await readFile(file, 'utf8'));
    return typeof stamp === 'object' && stamp !== null ? stamp : {};
  } catch {
    return {};
  }
}

/** @param {string} file @param {Stamp} stamp */
export async function writeStamp(file, stamp) {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  await writeFile(partial, `${JSON.stringify(stamp, null, 2)}\n`);
  await rename(partial, file);
}

/**
 * The mark of the installed dependencies; undefined when they or their Node are not there.
 * @param {string} root
 * @param {{ platform: NodeJS.Platform, arch: string }} system
 */
export async function dependenciesMark(root, { platform, arch }) {
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
  const installed = await fileMark(join(root, 'node_modules', '.package-lock.json'));
  const node = await fileMark(join(root, 'node_modules', 'node', 'bin', exe('node', platform)));
  return installed && node && sha256Text([lock, platform, arch, installed, node].join('\0'));
}

/** Size and time of a file, following links; undefined when it is not there. @param {string} file */
export async function fileMark(file) {
  try {
    const { size, mtimeMs } = await stat(file);
    return `${size}@${mtimeMs}`;
  } catch {
    return undefined;
  }
}
