import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ensureNode, installDependencies, matchesLock } from './dependencies.mjs';
import { run, type Run } from './run.mjs';

const lock = {
  '': { version: '1.0.0' },
  'libs/a': { version: '1.0.0' },
  'node_modules/@scope/a': { link: true },
  'node_modules/x': { version: '1.0.0', integrity: 'i' },
  'node_modules/only-mac': { version: '1.0.0', optional: true },
};
const installed = {
  'node_modules/@scope/a': { link: true },
  'node_modules/x': { version: '1.0.0', integrity: 'i' },
};

describe("npm's record of what is installed", () => {
  it('matches without the packages of other platforms', () =>
    expect(matchesLock(lock, installed)).toBe(true));

  it.each([
    ['a missing package', { 'node_modules/@scope/a': { link: true } }],
    ['another version', { ...installed, 'node_modules/x': { version: '1.0.1', integrity: 'i' } }],
    ['another content', { ...installed, 'node_modules/x': { version: '1.0.0', integrity: 'j' } }],
  ])('does not match with %s', (_what, record) => expect(matchesLock(lock, record)).toBe(false));
});

async function rootWithNode(version: string | undefined) {
  const root = await mkdtemp(join(tmpdir(), 'trivium-node-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const place = async (text: string) => {
    await mkdir(join(root, 'node_modules/node/bin'), { recursive: true });
    await writeFile(join(root, 'node_modules/node/bin/node'), `#!/bin/sh\necho ${text}\n`);
    await chmod(join(root, 'node_modules/node/bin/node'), 0o755);
  };
  if (version !== undefined) await place(version);
  return { root, place };
}

describe("the project's Node", () => {
  it('is taken when it is 24', async () => {
    const { root } = await rootWithNode('v24.21.0');
    expect(await ensureNode(root, run, 'linux')).toBe('v24.21.0');
  });

  it('is installed by its own script where npm skipped it', async () => {
    const { root, place } = await rootWithNode(undefined);
    const npm: Run = async (command, args, options) => {
      if (!command.startsWith('npm')) return run(command, args, options);
      expect(args).toContain('--ignore-scripts=false');
      await place('v24.0.0');
      return { code: 0, stdout: '', stderr: '' };
    };
    expect(await ensureNode(root, npm, 'linux')).toBe('v24.0.0');
  });

  it.each([
    [undefined, /missing/],
    ['v20.1.0', /is v20\.1\.0/],
  ])('is an error when it is %s', async (version, message) => {
    const { root } = await rootWithNode(version);
    const npm: Run = async (command, args, options) =>
      command.startsWith('npm') ? { code: 1, stdout: '', stderr: 'no' } : run(command, args, options);
    await expect(ensureNode(root, npm, 'linux')).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });

  it('says what to look at when npm ci fails', async () => {
    const npm: Run = async () => ({ code: 7, stdout: '', stderr: '' });
    await expect(installDependencies('/', npm)).rejects.toMatchObject({
      message: 'npm ci failed with code 7',
    });
  });
});
