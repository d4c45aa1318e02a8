import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, freePorts } from './free-port.ts';
import { startProcess } from './process.ts';

test('ports are distinct, also between processes that ask at the same time', async () => {
  const source = `
    const { freePorts } = await import(${JSON.stringify(new URL('./free-port.ts', import.meta.url).href)});
    console.log(JSON.stringify(await freePorts(40)));
    process.stdin.resume();`;
  const others = await Promise.all(
    [1, 2, 3].map(() =>
      startProcess({ command: process.execPath, args: ['--input-type=module', '-e', source], ready: /\]\n/ }),
    ),
  );
  try {
    const ports = [
      ...(await freePorts(40)),
      ...others.flatMap((other) => JSON.parse(other.stdout()) as number[]),
    ];
    expect(new Set(ports).size).toBe(160);
  } finally {
    await Promise.all(others.map((other) => other.kill()));
  }
});

test('one can listen on it', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
});
