import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repoRoot } from './repo-root.ts';
import { tempDir } from './temp-dir.ts';

test('it is the folder of nx.json, seen from any depth', () => {
  expect(existsSync(join(repoRoot(), 'nx.json'))).toBe(true);
  expect(repoRoot(import.meta.dirname)).toBe(repoRoot(join(repoRoot(), 'libs')));
});

test('outside of a repository it is an error', async () => {
  await using folder = await tempDir();
  expect(() => repoRoot(folder.path)).toThrow(/no nx.json above/);
});
