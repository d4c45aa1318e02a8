import { mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { firstUsable, natsSources, placeServer, type Source } from './nats-server.mjs';
import type { Version } from './nats-version.mjs';
import { places } from './places.mjs';
import { createProgress } from './progress.mjs';

const lines: string[] = [];
const progress = createProgress({ write: (text) => void lines.push(text), now: () => 0 });

/** Sources that know of a path each, or of a reason; the version is the path's last part. */
function sources(entries: Record<string, string>, tried: string[] = []): Source[] {
  return Object.entries(entries).map(([name, answer]) => ({
    name,
    placed: 'copy',
    find: async () => {
      tried.push(name);
      return answer.startsWith('/') ? { path: answer } : { reason: answer };
    },
  }));
}
const versionOf = async (path: string) => {
  const parts = path.split('/').pop()?.split('.').map(Number);
  return parts?.length === 3 ? (parts as unknown as Version) : undefined;
};

describe('where nats-server comes from', () => {
  it('takes the first usable and asks no further', async () => {
    const tried: string[] = [];
    const entries = { a: 'none there', b: '/b/2.15.0', c: '/c/2.16.0' };
    const found = await firstUsable(sources(entries, tried), versionOf, progress);
    expect(found.path).toBe('/b/2.15.0');
    expect(tried).toEqual(['a', 'b']);
  });

  it('passes over one that is too old, too new or does not run', async () => {
    const entries = { a: '/a/2.9.10', b: '/b/3.0.0', c: '/c/broken', d: '/d/2.15.1' };
    expect((await firstUsable(sources(entries), versionOf, progress)).path).toBe('/d/2.15.1');
  });

  it('names every reason and what to do when there is none', async () => {
    const entries = { PATH: '/usr/bin/2.9.10', release: 'no answer', Debian: 'this is not a Debian host' };
    await expect(firstUsable(sources(entries), versionOf, progress)).rejects.toMatchObject({
      message: expect.stringMatching(/PATH: .* is 2\.9\.10(.|\n)*release: no answer(.|\n)*not a Debian host/),
      hint: expect.stringMatching(/on PATH/),
    });
  });

  it('tries PATH, checkout, cache, release and Debian in this order', () => {
    const at = places({ root: '/checkout', platform: 'linux', env: {}, home: '/home/user' });
    const run = async () => ({ code: 127, stdout: '', stderr: '' });
    const names = natsSources({ places: at, platform: 'linux', arch: 'x64', env: {}, run }).map(
      (source) => source.name,
    );
    expect(names).toEqual(['PATH', 'this checkout', 'the cache', 'release 2.15.1', "Debian's newer suite"]);
  });

  it('finds one on PATH and in the cache without any network', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'trivium-nats-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'nats-server'), '');
    const at = places({ root: directory, platform: 'linux', env: {}, home: directory });
    const run = async () => ({ code: 127, stdout: '', stderr: '' });
    const env = { PATH: `/nowhere:${directory}` };
    const [onPath, inCheckout] = natsSources({ places: at, platform: 'linux', arch: 'x64', env, run });
    expect(await onPath?.find()).toEqual({ path: join(directory, 'nats-server') });
    expect(await inCheckout?.find()).toEqual({ reason: 'none there' });
  });

  it('links what is on PATH and copies what was downloaded', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'trivium-place-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const server = join(directory, 'server');
    await writeFile(server, 'server');
    await placeServer(server, join(directory, 'bin/linked'), 'link');
    await placeServer(server, join(directory, 'bin/linked'), 'link');
    await placeServer(server, join(directory, 'bin/copied'), 'copy');
    expect(await readlink(join(directory, 'bin/linked'))).toBe(server);
    expect(await readFile(join(directory, 'bin/copied'), 'utf8')).toBe('server');
  });
});
