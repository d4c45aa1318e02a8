import { createClient, type Client } from '@trivium/client';
import { waitFor } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectMqtt } from './clients/mqtt-js.ts';
import { startHub, TWO_WEBSOCKET_DOORS, type TestHub } from './hub.ts';

/** Commands through `kill -9` of a door. */
let hub: TestHub;
beforeAll(async () => {
  hub = await startHub({ args: TWO_WEBSOCKET_DOORS });
});
afterAll(() => hub[Symbol.asyncDispose]());

const clients: Client[] = [];
afterAll(() => Promise.all(clients.map((client) => client.close(0))));

function open(port: number, clientId?: string): Client {
  const url = `ws://${hub.addresses.host}:${port}/`;
  const given = clientId === undefined ? {} : { clientId };
  const client = createClient({ url, ...given, minDelayMs: 50, maxDelayMs: 1_000 });
  clients.push(client);
  return client;
}

it('the door of the caller: its call rejects at once, and the next one goes through', async () => {
  const { host, mqtt, ws, admin } = hub.addresses;
  const device = await connectMqtt(`mqtt://${host}:${mqtt}`, { clientId: 'slow device' });
  let commands = 0;
  device.on('message', (topic, payload) => {
    commands++;
    if (payload.toString() === 'now') device.publish(`${topic}/reply`, 'done');
  });
  const caller = open(ws);
  const outcome = caller.command('slow device', 'wait', 'later', { timeoutMs: 300_000 }).then(
    () => 'a reply',
    ({ code }) => code,
  );
  await waitFor(() => commands === 1, { timeoutMs: 30_000 });
  const killed = hub.killAndWait('ws-ingress', admin.ws);
  expect(await outcome).toBe('device.no-answer');
  const reply = await caller.command('slow device', 'wait', 'now', { timeoutMs: 60_000 });
  expect([reply.payload, commands]).toEqual(['done', 2]);
  await killed;
  await device.endAsync();
});

it('the door of the device: its reply goes out on the next connection and reaches the caller at another door', async () => {
  const { ws, ws2, admin } = hub.addresses;
  const device = open(ws, 'killed device');
  let connections = 0;
  device.on('connected', () => connections++);
  const gate = Promise.withResolvers<string>();
  let commands = 0;
  device.onCommand('*', () => {
    commands++;
    return gate.promise;
  });
  await waitFor(() => connections === 1, { timeoutMs: 30_000 });
  const caller = open(ws2);
  const answer = caller.command('killed device', 'wait', '', { timeoutMs: 120_000 });
  await waitFor(() => commands === 1, { timeoutMs: 30_000 });
  const killed = hub.killAndWait('ws-ingress', admin.ws);
  // Ready while there is no connection.
  await waitFor(() => device.clientId === undefined, { timeoutMs: 30_000 });
  gate.resolve('after all');
  expect((await answer).payload).toBe('after all');
  expect([commands, connections]).toEqual([1, 2]);
  await killed;
  expect((await caller.command('killed device', 'wait', '', { timeoutMs: 60_000 })).payload).toBe(
    'after all',
  );
});
