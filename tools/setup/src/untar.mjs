import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const BLOCK = 512;

/**
 * The content of the file named `name` (last part of its path) in a .tar.gz, so that no `tar` is needed on the
 * host. Undefined when it is not there.
 * @param {string} archive
 * @param {string} name
 * @returns {Promise<Buffer | undefined>}
 */
export async function readFromTarGz(archive, name) {
  const tar = await promisify(gunzip)(await readFile(archive));
  for (let at = 0; at + BLOCK <= tar.length;) {
    const path = text(tar, at, 100);
    const size = Number.parseInt(text(tar, at + 124, 12).trim(), 8) || 0;
    const isFile = tar[at + 156] === 0x30 || tar[at + 156] === 0;
    if (isFile && path.split('/').pop() === name) {
      if (at + BLOCK + size > tar.length) throw new Error(`${name} is cut short in ${archive}`);
      return tar.subarray(at + BLOCK, at + BLOCK + size);
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

/** @param {Buffer} block @param {number} at @param {number} length */
function text(block, at, length) {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}
