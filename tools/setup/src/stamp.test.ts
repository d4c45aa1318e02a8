import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dependenciesMark, fileMark, readStamp, writeStamp } from './stamp.mjs';

const linux = { platform: 'linux', arch: 'x64' } as const;

async function checkout() {
  const root = await mkdtemp(join(tmpdir(), 'trivium-stamp-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'node_modules/node/bin'), { recursive: true });
  await writeFile(join(root, 'package-lock.json'), '{"lockfileVersion":3}');
  await writeFile(join(root, 'node_modules/.package-lock.json'), '{}');
  await writeFile(join(root, 'node_modules/node/bin/node'), '');
  return root;
}

describe('stamp', () => {
  it('stays while nothing changes', async () => {
    const root = await checkout();
    expect(await dependenciesMark(root, linux)).toBe(await dependenciesMark(root, linux));
  });

  it('changes with the lockfile, the platform and what npm installed', async () => {
    const root = await checkout();
    const first = await dependenciesMark(root, linux);
    expect(await dependenciesMark(root, { platform: 'linux', arch: 'arm64' })).not.toBe(first);
    await utimes(join(root, 'node_modules/.package-lock.json'), 1, 1);
    const second = await dependenciesMark(root, linux);
    expect(second).not.toBe(first);
    await writeFile(join(root, 'package-lock.json'), '{"lockfileVersion":3, "packages":{}}');
    expect(await dependenciesMark(root, linux)).not.toBe(second);
  });

  it.each(['node_modules/.package-lock.json', 'node_modules/node/bin/node'])(
    'is gone without %s',
    async (file) => {
      const root = await checkout();
      await rm(join(root, file));
      expect(await dependenciesMark(root, linux)).toBeUndefined();
    },
  );

  it('is read back, and empty when it is missing or broken', async () => {
    const root = await checkout();
    const file = join(root, '.trivium/setup.json');
    expect(await readStamp(file)).toEqual({});
    await writeStamp(file, { dependencies: 'd', natsServer: 'n' });
    expect(await readStamp(file)).toEqual({ dependencies: 'd', natsServer: 'n' });
    await writeFile(file, '{"dependencies":');
    expect(await readStamp(file)).toEqual({});
    expect(await fileMark(join(root, 'nothing'))).toBeUndefined();
  });
});
