import { startNats, waitFor } from '@trivium/testing';
import { expect, test } from 'vitest';
import { arrived, realDoor } from './testing/real-door.ts';

test('NATS dies and comes back: nothing acknowledged is lost, nothing unstored is acknowledged, connections stay', async () => {
  await using nats = await startNats();
  await using door = await realDoor(nats.url);
  const sub = await door.client({ clientId: 'sub' });
  await sub.mqtt.subscribeAsync('n', { qos: 1 });
  const pub = await door.client({ clientId: 'pub' });
  await pub.mqtt.publishAsync('n', 'before', { qos: 1 });
  await arrived(sub.seen, 1);

  await nats.kill();
  await waitFor(() => !door.bus.up);
  const acknowledged: number[] = [];
  const sent = Array.from({ length: 20 }, (_, i) =>
    pub.mqtt.publishAsync('n', `during ${i}`, { qos: 1 }).then(() => acknowledged.push(i)),
  );
  await waitFor(() => door.door.stats.openPublishes > 0);
  expect(acknowledged).toEqual([]);

  await nats.restart();
  await Promise.all(sent);
  // What is sent again because its acknowledgement was late may come twice.
  await waitFor(() => new Set(sub.seen).size >= 21);
  expect(acknowledged).toEqual(Array.from({ length: 20 }, (_, i) => i));
  const first = [...new Set(sub.seen)];
  expect(first).toEqual(['n before q1', ...sent.map((_, i) => `n during ${i} q1`)]);
  expect([sub.mqtt.connected, pub.mqtt.connected]).toEqual([true, true]);
});

test('while NATS is away a new client is told 0x03, a subscriber is closed, both are served afterwards', async () => {
  await using nats = await startNats();
  await using door = await realDoor(nats.url);
  const client = await door.client({ clientId: 'c' });
  await nats.kill();
  await waitFor(() => !door.bus.up);
  await expect(door.client()).rejects.toThrow('refused');
  expect(door.door.stats.refused).toBe(1);
  client.mqtt.subscribe('x');
  await client.closed;
  await nats.restart();
  await waitFor(() => door.bus.up);
  const again = await door.client({ clientId: 'c' });
  expect(await again.mqtt.subscribeAsync('x')).toMatchObject([{ qos: 0 }]);
});
