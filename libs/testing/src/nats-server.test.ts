import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { containerEngine } from './container-engine.ts';
import { startNats, type NatsMode, type NatsServer } from './nats-server.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

/** The INFO line that a nats-server sends first. */
async function greeting(port: number): Promise<Record<string, unknown>> {
  const socket = connect(port, '127.0.0.1');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return JSON.parse(data.toString('utf8').slice('INFO '.length)) as Record<string, unknown>;
}

async function createStream(port: number, name: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  const body = JSON.stringify({ name, subjects: [`${name}.>`], storage: 'file' });
  socket.write(`CONNECT {"verbose":false}\r\nSUB answer 1\r\n`);
  socket.write(`PUB $JS.API.STREAM.CREATE.${name} answer ${body.length}\r\n${body}\r\n`);
  await waitFor(() => received.includes('stream_create_response'), { message: 'the stream' });
  expect(received).not.toContain('"error"');
  socket.destroy();
}

async function streams(nats: NatsServer): Promise<unknown> {
  return ((await (await fetch(`${nats.monitorUrl}/jsz`)).json()) as Record<string, unknown>)['streams'];
}

/** The same for both modes: what a test may rely on. */
async function survivesAKill(mode: NatsMode): Promise<void> {
  await using nats = await startNats({ mode });
  const before = await greeting(nats.port);
  await createStream(nats.port, 'KEPT');
  await nats.kill();
  await expect(greeting(nats.port)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
  await nats.restart();
  expect((await greeting(nats.port))['server_id']).not.toBe(before['server_id']);
  expect(await streams(nats)).toBe(1);
  expect(await nats.log()).toContain('Server is ready');
  await nats.stop();
  await expect(greeting(nats.port)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
}

test('a server starts with the settings that the hub needs', async () => {
  await using nats = await startNats({ mode: 'binary' });
  expect(await greeting(nats.port)).toMatchObject({ max_payload: 8 * 1024 * 1024, jetstream: true });
  const varz = (await (await fetch(`${nats.monitorUrl}/varz`)).json()) as Record<string, unknown>;
  expect(varz).toMatchObject({
    max_control_line: 524288,
    max_pending: 128 * 1024 * 1024,
    write_deadline: 2e9,
  });
  expect(varz['jetstream']).toMatchObject({
    config: { store_dir: `${nats.storeDir}/jetstream`, sync_interval: 1e9 },
  });
  expect(varz).toMatchObject({ host: '127.0.0.1', http_host: '127.0.0.1' });
});

test('extra configuration is added', async () => {
  await using nats = await startNats({ mode: 'binary', extraConfig: 'max_subscriptions: 7' });
  const varz = (await (await fetch(`${nats.monitorUrl}/varz`)).json()) as Record<string, unknown>;
  expect(varz['max_subscriptions']).toBe(7);
});

test('a binary server keeps its ports and its store over kill -9', () => survivesAKill('binary'));

test('restart of a running server ends it first', async () => {
  await using nats = await startNats({ mode: 'binary' });
  const pid = nats.pid();
  await nats.restart();
  expect(nats.pid()).not.toBe(pid);
  expect(await streams(nats)).toBe(0);
});

test('a given store is kept after stop', async () => {
  await using folder = await tempDir();
  {
    await using nats = await startNats({ mode: 'binary', storeDir: folder.path });
    await createStream(nats.port, 'KEPT');
  }
  await using again = await startNats({ mode: 'binary', storeDir: folder.path });
  expect(await streams(again)).toBe(1);
});

test('a server that cannot start is reported with its own words', async () => {
  await using nats = await startNats({ mode: 'binary' });
  const second = startNats({ mode: 'binary', port: nats.port });
  await expect(second).rejects.toThrow(/address already in use/);
});

const engine = await containerEngine();
if (engine !== undefined) {
  test(`container mode (engine at ${engine}): a server keeps its ports and its store over kill -9`, async () => {
    await survivesAKill('container');
  }, 120_000);
} else {
  test('container mode (no engine answers here, so no container was run): the refusal says what to do', async () => {
    await expect(startNats({ mode: 'container' })).rejects.toThrow(
      /no container engine answers: .*DOCKER_HOST/,
    );
  });
}
