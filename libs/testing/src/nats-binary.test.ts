import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findNatsBinary } from './nats-binary.ts';
import { tempDir } from './temp-dir.ts';

async function fakeServer(path: string, version: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

test('TRIVIUM_NATS_SERVER comes first, then .trivium/bin, then PATH', async () => {
  await using root = await tempDir();
  const onPath = await fakeServer(join(root.path, 'path', 'nats-server'), '2.15.0');
  const env = { PATH: dirname(onPath) };
  expect(await findNatsBinary(env, root.path)).toBe(onPath);
  const installed = await fakeServer(join(root.path, '.trivium', 'bin', 'nats-server'), '2.15.1');
  expect(await findNatsBinary(env, root.path)).toBe(installed);
  expect(await findNatsBinary({ ...env, TRIVIUM_NATS_SERVER: '/mine' }, root.path)).toBe('/mine');
});

test.each([
  ['2.9.10', false],
  ['2.14.9', false],
  ['2.15.0', true],
  ['2.16.0', true],
  ['3.0.0', true],
])('version %s on PATH: taken %s', async (version, taken) => {
  await using root = await tempDir();
  const path = await fakeServer(join(root.path, 'nats-server'), version);
  expect(await findNatsBinary({ PATH: root.path }, root.path)).toBe(taken ? path : undefined);
});

test('an old one on PATH does not hide a newer one behind it', async () => {
  await using root = await tempDir();
  const old = await fakeServer(join(root.path, 'old', 'nats-server'), '2.9.10');
  const recent = await fakeServer(join(root.path, 'new', 'nats-server'), '2.15.1');
  expect(await findNatsBinary({ PATH: `${dirname(old)}:${dirname(recent)}` }, root.path)).toBe(recent);
});
