import { createClient, type Client } from '@trivium/client';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { ECHO_DEVICES } from './clients/command-devices.ts';
import { connectMqtt } from './clients/mqtt-js.ts';
import { openTrivium } from './clients/trivium-ws.ts';

const hub = inject('hub');
const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const timeoutMs = 30_000;

const clients: Client[] = [];
afterAll(() => Promise.all(clients.map((client) => client.close(0))));

function open(): Client {
  const client = createClient({ url: `ws://${hub.host}:${hub.ws}/` });
  clients.push(client);
  return client;
}

describe('a client of trivium.v1 calls a device', () => {
  it.each(ECHO_DEVICES)('of $name, and gets its reply, every byte of it', async ({ name, open: device }) => {
    const id = `echo ${name}`;
    await using _device = await device(hub, id);
    await using caller = await openTrivium(`ws://${hub.host}:${hub.ws}/`);
    const payloadBase64 = Buffer.from(BYTES).toString('base64');
    const cmd = { op: 'cmd', device: id, name: 'echo', timeoutMs };
    const reply = await caller.ask({ ...cmd, payloadBase64, contentType: 'a/b' });
    expect(reply).toMatchObject({
      op: 'reply',
      payloadBase64: Buffer.from(BYTES).reverse().toString('base64'),
      ...(name.startsWith('MQTT 3') ? {} : { contentType: 'a/b' }),
    });
    expect(await caller.ask({ ...cmd, payload: 'abc' })).toMatchObject({ op: 'reply', payload: 'cba' });
  });

  it('of any kind, many at once: each reply to its caller', async () => {
    const run = `many ${process.pid}`;
    const devices = await Promise.all(
      ECHO_DEVICES.map(({ name, open: device }) => device(hub, `${run} ${name}`)),
    );
    const callers = [open(), open()];
    const calls = Array.from({ length: 150 }, (_, i) => {
      const { name } = ECHO_DEVICES[i % ECHO_DEVICES.length]!;
      return callers[i % 2]!.command(`${run} ${name}`, 'echo', `${i}`, { timeoutMs });
    });
    const replies = await Promise.all(calls);
    expect(replies.map(({ payload }) => payload)).toEqual(
      calls.map((_, i) => [...`${i}`].reverse().join('')),
    );
    for (const device of devices) await device[Symbol.asyncDispose]();
  });

  it('that is not there: unknown, or offline because it has a session, or because it is at the aedes door', async () => {
    const caller = open();
    const outcome = (device: string): Promise<unknown> =>
      caller.command(device, 'echo', '', { timeoutMs }).then(
        () => 'a reply',
        ({ code }) => code,
      );
    expect(await outcome('nobody at all')).toBe('device.unknown');
    const url = `mqtt://${hub.host}:${hub.mqtt}`;
    const sleeper = await connectMqtt(url, { clientId: 'sleeping device', clean: false });
    await sleeper.endAsync();
    expect(await outcome('sleeping device')).toBe('device.offline');
    const aedes = await connectMqtt(`mqtt://${hub.host}:${hub.aedes}`, { clientId: 'aedes device' });
    expect(await outcome('aedes device')).toBe('device.offline');
    await aedes.endAsync();
  });

  it('that does not answer: the caller is told when its time is over', async () => {
    const device = await connectMqtt(`mqtt://${hub.host}:${hub.mqtt}`, { clientId: 'mute device' });
    await expect(open().command('mute device', 'echo', '', { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'device.no-answer',
    });
    await device.endAsync();
  });
});

it('nobody publishes below cmd/: what looks like a command comes from the hub alone', async () => {
  await using client = await openTrivium(`ws://${hub.host}:${hub.ws}/`);
  for (const topic of ['cmd/device/name', 'cmd/device/name/x-1/reply'])
    expect(await client.ask({ op: 'pub', topic, payload: 'x', qos: 1 })).toMatchObject({
      op: 'err',
      code: 'auth.denied',
    });
});
