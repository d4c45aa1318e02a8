import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startNats } from './nats-server.ts';

/** The INFO line that a nats-server sends first. */
function greeting(port: number): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(JSON.parse(data.toString('utf8').slice('INFO '.length)) as Record<string, unknown>);
    });
  });
}

test('a server starts with the settings that the hub needs', async () => {
  await using nats = await startNats({ mode: 'binary' });
  expect(await greeting(nats.port)).toMatchObject({ max_payload: 8 * 1024 * 1024, jetstream: true });
  const varz = (await (await fetch(`${nats.monitorUrl}/varz`)).json()) as Record<string, unknown>;
  expect(varz).toMatchObject({
    max_control_line: 524288,
    max_pending: 16 * 1024 * 1024,
    write_deadline: 2e9,
  });
  expect(varz['jetstream']).toMatchObject({
    config: { store_dir: `${nats.storeDir}/jetstream`, sync_interval: 1e9 },
  });
});

test('kill and restart keep the ports', async () => {
  await using nats = await startNats({ mode: 'binary' });
  const before = await greeting(nats.port);
  await nats.kill();
  await expect(greeting(nats.port)).rejects.toThrow(/ECONNREFUSED/);
  await nats.restart();
  const after = await greeting(nats.port);
  expect(after['server_id']).not.toBe(before['server_id']);
});
