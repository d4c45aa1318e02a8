import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { debianMirror, fetchFromDebian } from './nats-debian.mjs';
import type { Run } from './run.mjs';

const URIS = [
  'https://packages.test/apt/',
  'http://mirror.test/debian-security/',
  'http://mirror.test/debian/',
  'http://other.test/debian/',
].join('\n');

async function scratch() {
  const directory = await mkdtemp(join(tmpdir(), 'trivium-debian-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'keyring.gpg'), '');
  return { keyring: join(directory, 'keyring.gpg'), target: join(directory, 'cache/nats-server') };
}

/** An apt and a dpkg that do what the real ones would, as far as files go. */
function fakeApt(fail: string | undefined, calls: string[][]): Run {
  return async (command, args, options) => {
    calls.push([command, ...args]);
    const verb = args.find((arg) => ['indextargets', 'update', 'download', '-x'].includes(arg)) ?? '';
    if (verb === fail) return { code: 100, stdout: '', stderr: `E: ${verb} failed` };
    if (verb === 'download') await writeFile(join(options?.cwd ?? '', 'nats-server_2.15.1-1_amd64.deb'), '');
    if (verb === '-x') {
      await mkdir(join(args[2] ?? '', 'usr/sbin'), { recursive: true });
      await writeFile(join(args[2] ?? '', 'usr/sbin/nats-server'), 'server');
    }
    return { code: 0, stdout: verb === 'indextargets' ? URIS : '', stderr: '' };
  };
}

describe("nats-server from Debian's newer suite", () => {
  it("takes the host's own main mirror", () => {
    expect(debianMirror(URIS)).toBe('http://mirror.test/debian/');
    expect(debianMirror('https://archive.test/ubuntu/')).toBeUndefined();
  });

  it('unpacks the package without touching the system', async () => {
    const { keyring, target } = await scratch();
    const calls: string[][] = [];
    expect(await fetchFromDebian({ target, keyring, run: fakeApt(undefined, calls) })).toBeUndefined();
    expect(await readFile(target, 'utf8')).toBe('server');
    const changing = calls.filter((call) => call.includes('update') || call.includes('download'));
    expect(changing).toHaveLength(2);
    for (const call of changing) {
      expect(call.join(' ')).toMatch(/Dir::State::Lists=\S*trivium-nats-.*Dir::Cache=\S*trivium-nats-/);
      expect(call).not.toContain('install');
    }
  });

  it.each(['indextargets', 'update', 'download', '-x'])('says so when %s fails', async (verb) => {
    const { keyring, target } = await scratch();
    expect(await fetchFromDebian({ target, keyring, run: fakeApt(verb, []) })).toMatch(`${verb} failed`);
  });

  it('is no source elsewhere', async () => {
    const { target } = await scratch();
    const reason = await fetchFromDebian({
      target,
      keyring: '/nowhere/keyring.gpg',
      run: fakeApt(undefined, []),
    });
    expect(reason).toBe('this is not a Debian host');
  });
});
