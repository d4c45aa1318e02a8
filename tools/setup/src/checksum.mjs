import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { SetupError } from './setup-error.mjs';

/** SHA-256 of a file, lower-case hex. @param {string} file */
export async function sha256File(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** SHA-256 of a string, lower-case hex. @param {string} text */
export const sha256Text = (text) => createHash('sha256').update(text).digest('hex');

/**
 * The sum of `name` in a SHA256SUMS file (`<64 hex>  <name>`, the name with or without `*` for binary mode).
 * @param {string} sums
 * @param {string} name
 * @returns {string | undefined}
 */
export function findChecksum(sums, name) {
  for (const line of sums.split(/\r?\n/)) {
    const found = /^([0-9a-fA-F]{64}) [ *](.+)$/.exec(line);
    if (found?.[2]?.trim() === name) return found[1]?.toLowerCase();
  }
  return undefined;
}

/**
 * Rejects when the file is not what the release says it is.
 * @param {string} file
 * @param {string} sums the text of SHA256SUMS
 * @param {string} name the file's name there
 */
export async function verifyChecksum(file, sums, name) {
  const expected = findChecksum(sums, name);
  if (expected === undefined)
    throw new SetupError(`SHA256SUMS of the release does not list ${name}`, 'The file was not used.');
  const actual = await sha256File(file);
  if (actual !== expected)
    throw new SetupError(
      `${name} is damaged: SHA-256 ${actual} instead of ${expected}`,
      'The file was not used. Try again, without a proxy that changes downloads.',
    );
}
