import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { containerEngine } from './container-engine.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp-dir.ts';

const engine = (status: number): Server =>
  createServer((request, response) => response.writeHead(request.url === '/_ping' ? status : 404).end('OK'));

test('an engine on a socket or a port of DOCKER_HOST answers', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'docker.sock');
  const local = engine(200).listen(path);
  const remote = engine(200).listen(0, '127.0.0.1');
  await Promise.all([once(local, 'listening'), once(remote, 'listening')]);
  try {
    expect(await containerEngine({ DOCKER_HOST: `unix://${path}` })).toBe(`unix://${path}`);
    const address = `tcp://127.0.0.1:${(remote.address() as AddressInfo).port}`;
    expect(await containerEngine({ DOCKER_HOST: address })).toBe(address);
  } finally {
    local.close();
    remote.close();
  }
});

test('one that is broken, absent or written in an unknown way does not', async () => {
  const broken = engine(500).listen(0, '127.0.0.1');
  await once(broken, 'listening');
  try {
    const { port } = broken.address() as AddressInfo;
    expect(await containerEngine({ DOCKER_HOST: `tcp://127.0.0.1:${port}` })).toBeUndefined();
    expect(await containerEngine({ DOCKER_HOST: `tcp://127.0.0.1:${await freePort()}` })).toBeUndefined();
    expect(await containerEngine({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })).toBeUndefined();
    expect(await containerEngine({ DOCKER_HOST: 'ssh://host' })).toBeUndefined();
  } finally {
    broken.close();
  }
});
