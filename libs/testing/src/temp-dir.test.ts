import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempDir } from './temp-dir.ts';

test('it is empty at first, its own, and gone with everything in it at the end', async () => {
  let path: string;
  {
    await using folder = await tempDir('trivium-test-');
    await using other = await tempDir('trivium-test-');
    path = folder.path;
    expect(other.path).not.toBe(path);
    await mkdir(join(path, 'a', 'b'), { recursive: true });
    await writeFile(join(path, 'a', 'b', 'c'), 'x');
  }
  expect(existsSync(path)).toBe(false);
});
