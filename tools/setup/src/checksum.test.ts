import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findChecksum, sha256Text, verifyChecksum } from './checksum.mjs';

const SUM = sha256Text('content');
const SUMS = [
  `${'0'.repeat(64)}  other.tar.gz`,
  `${SUM.toUpperCase()}  a.tar.gz`,
  `${SUM} *b.zip`,
  'not a line',
].join('\n');

async function file(content: string) {
  const directory = await mkdtemp(join(tmpdir(), 'trivium-checksum-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'file'), content);
  return join(directory, 'file');
}

describe('SHA256SUMS', () => {
  it('finds a sum by the exact name', () => {
    expect(findChecksum(SUMS, 'a.tar.gz')).toBe(SUM);
    expect(findChecksum(SUMS, 'b.zip')).toBe(SUM);
    expect(findChecksum(SUMS, '.tar.gz')).toBeUndefined();
  });

  it('accepts the file that it lists', async () => verifyChecksum(await file('content'), SUMS, 'a.tar.gz'));

  it('rejects a damaged file', async () =>
    expect(verifyChecksum(await file('c0ntent'), SUMS, 'a.tar.gz')).rejects.toThrow(/damaged/));

  it('rejects a file that it does not list', async () =>
    expect(verifyChecksum(await file('content'), SUMS, 'c.tar.gz')).rejects.toThrow(/does not list/));
});
