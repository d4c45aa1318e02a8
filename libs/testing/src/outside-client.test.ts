import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outsideClient } from './outside-client.ts';
import { tempDir } from './temp-dir.ts';

async function program(folder: string, name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

test('a program on PATH is found, one that is not there is not', async () => {
  await using folder = await tempDir();
  const command = await program(folder.path, 'mosquitto_pub', 'exit 0');
  expect(await outsideClient('mosquitto_pub', { PATH: `/nowhere:${folder.path}` })).toEqual({
    name: 'mosquitto_pub',
    command,
  });
  expect(await outsideClient('mosquitto_sub', { PATH: folder.path })).toBeUndefined();
});

test('a broken link is not a program', async () => {
  await using folder = await tempDir();
  await symlink('/nowhere/curl', join(folder.path, 'curl'));
  expect(await outsideClient('curl', { PATH: folder.path })).toBeUndefined();
});

test('chromium has several names', async () => {
  await using folder = await tempDir();
  const command = await program(folder.path, 'google-chrome', 'exit 0');
  expect(await outsideClient('chromium', { PATH: folder.path })).toEqual({ name: 'chromium', command });
});

test('a Python counts only when it can import paho', async () => {
  await using without = await tempDir();
  await program(without.path, 'python3', '[ "$*" = "-c import paho.mqtt" ] && exit 1');
  await using with_ = await tempDir();
  const command = await program(with_.path, 'python3', '[ "$*" = "-c import paho.mqtt" ] && exit 0');
  expect(await outsideClient('python3-paho', { PATH: without.path })).toBeUndefined();
  expect(await outsideClient('python3-paho', { PATH: `${without.path}:${with_.path}` })).toEqual({
    name: 'python3-paho',
    command,
  });
});
