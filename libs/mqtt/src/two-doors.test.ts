import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arrived, realDoor } from './testing/real-door.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

test('[MQTT3-3.1.4-2] the same client id at another door: the former connection is closed before CONNACK', async () => {
  await using here = await realDoor(nats.url);
  await using there = await realDoor(nats.url);
  const first = await here.client({ clientId: 'moving' });
  await first.mqtt.subscribeAsync('m', { qos: 1 });
  const second = await there.client({ clientId: 'moving' });
  expect(here.door.stats).toMatchObject({ sessions: 0, takeovers: 1 });
  await first.closed;
  await second.mqtt.subscribeAsync('m', { qos: 1 });
  await second.mqtt.publishAsync('m', 'x', { qos: 1 });
  await arrived(second.seen, 1);
  expect([first.seen, second.seen]).toEqual([[], ['m x q1']]);
  const third = await here.client({ clientId: 'moving' });
  await second.closed;
  expect(third.mqtt.connected).toBe(true);
});

test('[MQTT3-3.1.4-2] thirty at once at two doors with one client id leave one', async () => {
  await using here = await realDoor(nats.url);
  await using there = await realDoor(nats.url);
  const doors = [here, there];
  await Promise.allSettled(Array.from({ length: 30 }, (_, i) => doors[i % 2]!.client({ clientId: 'crowd' })));
  await waitFor(() => here.door.connections + there.door.connections === 1, {
    message: () => `one connection, there are ${here.door.connections} and ${there.door.connections}`,
  });
  const record = await here.bus.bucket('sessions').get('crowd');
  const owner = here.door.connections === 1 ? here : there;
  expect(JSON.parse(Buffer.from(record!.value).toString())).toMatchObject({ door: owner.bus.incarnation });
});

test('a client that comes back at once, at either door, is served', async () => {
  await using here = await realDoor(nats.url);
  await using there = await realDoor(nats.url);
  for (let i = 0; i < 10; i++) {
    const client = await (i % 3 === 0 ? here : there).client({ clientId: 'again' });
    client.mqtt.end();
    await client.closed;
  }
  await waitFor(async () => (await here.bus.bucket('sessions').get('again')) === undefined);
  expect(here.door.stats.refused + there.door.stats.refused).toBe(0);
});

test('comings and goings are stored as events, in order', async () => {
  await using door = await realDoor(nats.url);
  const events: string[] = [];
  const follower = door.bus.follow({
    stream: 'EVENTS',
    after: 'end',
    onMessage: (_pos, { subject, data }) => {
      const { client, reason } = JSON.parse(Buffer.from(data).toString()) as {
        client: string;
        reason?: string;
      };
      events.push(`${subject.split('.')[2]} ${client} ${reason ?? ''}`.trim());
    },
  });
  await follower.ready;
  const polite = await door.client({ clientId: 'polite one' });
  polite.mqtt.end();
  await polite.closed;
  const rude = await door.client({ clientId: 'rude' });
  rude.mqtt.stream.destroy();
  await arrived(events, 4);
  follower.close();
  expect(events).toEqual([
    'connected polite one',
    'disconnected polite one client.disconnected',
    'connected rude',
    'disconnected rude client.gone',
  ]);
});

test('a subscriber that does not read delays nobody, loses no durable message and costs bounded memory', async () => {
  await using door = await realDoor(nats.url, { maxOutputBytes: 65_536, maxInflight: 20 });
  const frozen = await door.client({ clientId: 'frozen' });
  const lively = await door.client({ clientId: 'lively' });
  await frozen.mqtt.subscribeAsync('s', { qos: 1 });
  await lively.mqtt.subscribeAsync('s', { qos: 1 });
  const stream = frozen.mqtt.stream as unknown as { pause(): void; resume(): void };
  stream.pause();
  const pub = await door.client();
  const payload = 'x'.repeat(20_000);
  for (let i = 0; i < 300; i++) await pub.mqtt.publishAsync('s', `${i} ${payload}`, { qos: 1 });
  await arrived(lively.seen, 300);
  expect(frozen.seen.length).toBeLessThan(300);
  stream.resume();
  await arrived(frozen.seen, 300);
  const numbers = (lines: string[]) => lines.map((line) => Number(line.split(' ')[1]));
  expect(numbers(frozen.seen)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  expect(numbers(lively.seen)).toEqual(Array.from({ length: 300 }, (_, i) => i));
});

test('a subscriber that does not read loses QoS 0 messages, counted, and gets new ones when it reads again', async () => {
  await using door = await realDoor(nats.url, { maxOutputBytes: 65_536 });
  const frozen = await door.client();
  await frozen.mqtt.subscribeAsync(['z', 'end']);
  const stream = frozen.mqtt.stream as unknown as { pause(): void; resume(): void };
  stream.pause();
  const pub = await door.client();
  const payload = 'x'.repeat(50_000);
  for (let i = 0; door.door.stats.droppedOut === 0 && i < 2_000; i++)
    await pub.mqtt.publishAsync('z', `${i} ${payload}`);
  await waitFor(() => door.door.stats.droppedOut > 0);
  stream.resume();
  await waitFor(async () => {
    await pub.mqtt.publishAsync('end', '');
    return frozen.seen.at(-1) === 'end  q0';
  });
  const numbers = frozen.seen
    .filter((line) => line.startsWith('z '))
    .map((line) => Number(line.split(' ')[1]));
  expect(numbers.length).toBeGreaterThan(0);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});
