import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromSeed } from '@nats-io/nkeys';
import { tempDir } from '@trivium/testing';
import { expect, test } from 'vitest';
import { ensureKey, keyFile } from './key-files.ts';

test('a key is made once, for the eyes of its owner only', async () => {
  await using data = await tempDir();
  const file = keyFile(data.path, 'router');
  expect(file).toBe(join(data.path, 'nats', 'keys', 'router.nk'));
  const made = ensureKey(file);
  expect(made).toMatch(/^U[A-Z2-7]{55}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(fromSeed(readFileSync(file).subarray(0, 58)).getPublicKey()).toBe(made);
  expect(ensureKey(file)).toBe(made);
});

test('what is no seed is named by its file, not shown and not replaced', async () => {
  await using data = await tempDir();
  const file = join(data.path, 'broken.nk');
  writeFileSync(file, 'SUABROKENSECRET\n');
  expect(() => ensureKey(file)).toThrow(`${file} is not the seed of an nkey`);
  expect(() => ensureKey(file)).not.toThrow(/BROKENSECRET/);
  expect(readFileSync(file, 'utf8')).toBe('SUABROKENSECRET\n');
});
