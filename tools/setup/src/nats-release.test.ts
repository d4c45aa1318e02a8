import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256File } from './checksum.mjs';
import { fetchRelease, releaseAsset } from './nats-release.mjs';
import { serve } from './serve.fixture.ts';

async function scratch() {
  const directory = await mkdtemp(join(tmpdir(), 'trivium-release-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A release as the real one is laid out: one folder with README, LICENSE and the server, and SHA256SUMS. */
async function release(directory: string, content: string) {
  const name = 'nats-server-v2.15.1-linux-amd64';
  await mkdir(join(directory, name));
  await writeFile(join(directory, name, 'README.md'), 'r'.repeat(700));
  await writeFile(join(directory, name, 'nats-server'), content);
  await promisify(execFile)('tar', ['-czf', `${name}.tar.gz`, name], { cwd: directory });
  const archive = await readFile(join(directory, `${name}.tar.gz`));
  return { archive, sums: `${await sha256File(join(directory, `${name}.tar.gz`))}  ${name}.tar.gz\n` };
}

const linux = { platform: 'linux', arch: 'x64' } as const;

describe('nats-server release', () => {
  it.each([
    ['linux', 'x64', 'linux-amd64'],
    ['linux', 'arm64', 'linux-arm64'],
    ['darwin', 'x64', 'darwin-amd64'],
    ['darwin', 'arm64', 'darwin-arm64'],
    ['win32', 'x64', 'windows-amd64'],
    ['win32', 'arm64', 'windows-arm64'],
  ])('names the build for %s %s', (platform, arch, build) => {
    const asset = releaseAsset(platform, arch, 'https://releases.test/v');
    expect(asset?.url).toBe(`https://releases.test/v/nats-server-v2.15.1-${build}.tar.gz`);
    expect(asset?.sumsUrl).toBe('https://releases.test/v/SHA256SUMS');
  });

  it('says when there is no build', async () => {
    const target = join(await scratch(), 'nats-server');
    expect(await fetchRelease({ target, platform: 'sunos', arch: 'x64' })).toMatch(/no build for sunos/);
  });

  it('follows redirects, checks the sum and places an executable', async () => {
    const directory = await scratch();
    const { archive, sums } = await release(directory, '#!/bin/sh\necho server\n');
    const base = await serve((request, response) => {
      if (request.url?.startsWith('/moved/') !== true) {
        response.writeHead(302, { location: `/moved${request.url}` }).end();
      } else response.end(request.url.endsWith('SHA256SUMS') ? sums : archive);
    });
    const target = join(directory, 'cache/linux-x64/nats-server');
    expect(await fetchRelease({ target, ...linux, base })).toBeUndefined();
    expect(await readFile(target, 'utf8')).toBe('#!/bin/sh\necho server\n');
    expect((await stat(target)).mode & 0o111).toBe(0o111);
    expect(await readdir(join(directory, 'cache/linux-x64'))).toEqual(['nats-server']);
  });

  it('leaves nothing behind when the archive is damaged', async () => {
    const directory = await scratch();
    const { archive, sums } = await release(directory, 'server');
    const base = await serve((request, response) => {
      response.end(request.url?.endsWith('SHA256SUMS') ? sums : Buffer.concat([archive, Buffer.of(0)]));
    });
    expect(await fetchRelease({ target: join(directory, 'cache/nats-server'), ...linux, base })).toMatch(
      /damaged/,
    );
    expect(await readdir(join(directory, 'cache'))).toEqual([]);
  });

  it('names the host and the status that it got', async () => {
    const base = await serve((_request, response) => void response.writeHead(404).end());
    const reason = await fetchRelease({ target: join(await scratch(), 'nats-server'), ...linux, base });
    expect(reason).toMatch(/^127\.0\.0\.1:\d+ answered 404 for \/SHA256SUMS$/);
  });

  it('gives up on a redirect loop', async () => {
    const base = await serve(
      (request, response) => void response.writeHead(301, { location: request.url ?? '/' }).end(),
    );
    const reason = await fetchRelease({ target: join(await scratch(), 'nats-server'), ...linux, base });
    expect(reason).toMatch(/too many redirects/);
  });
});
