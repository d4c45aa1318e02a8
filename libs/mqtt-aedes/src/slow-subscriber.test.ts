import { startNats, waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import { startDoor, startOtherDoor } from './door.fixture.ts';
import { connectFrame, rawClient, subscribeFrame } from './raw-client.fixture.ts';

it('a client that does not read loses no QoS 1 message, delays nobody, and takes no memory', async () => {
  await using nats = await startNats();
  await using fixture = await startDoor(nats.url, { config: { maxInflight: 65_535 } });
  await using other = await startOtherDoor(nats.url);
  const slow = rawClient(fixture.port);
  slow.send(connectFrame({ clientId: 'slow' }), subscribeFrame(1, ['load', 1]));
  await slow.packet(1);
  slow.socket.pause();
  const quick = await fixture.connect();
  await quick.mqtt.subscribeAsync('load', { qos: 1 });

  const count = 2_000;
  const payload = 'x'.repeat(8_000);
  for (let i = 0; i < count; i++) await other.publish('load', `${i} ${payload}`, 1);
  await waitFor(() => quick.seen.length === count, { timeoutMs: 45_000 });
  const { deliveredQos1 } = fixture.door.stats;
  // 16 MB were sent; what the slow client's socket and buffers take is a fraction of it.
  expect(deliveredQos1).toBeLessThan(count + count / 2);
  for (let i = 0; i < 200; i++) await other.publish('load', `${i} ${payload}`, 0);
  await waitFor(() => fixture.door.stats.droppedOut > 100);

  slow.socket.resume();
  const durable = (): string[] => slow.packets.filter((packet) => packet.startsWith('32'));
  await waitFor(() => durable().length === count, { timeoutMs: 45_000 });
  const numbers = durable().map((packet) =>
    Number(Buffer.from(packet.slice(22, 32), 'hex').toString().split(' ')[0]),
  );
  expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i));
});

it('no more messages than the window are on their way at once [MQTT3-4.3.2-1]', async () => {
  await using nats = await startNats();
  await using fixture = await startDoor(nats.url, { config: { maxInflight: 10 } });
  await using other = await startOtherDoor(nats.url);
  const client = rawClient(fixture.port);
  client.send(connectFrame(), subscribeFrame(1, ['w', 1]));
  await client.packet(1);
  for (let i = 0; i < 30; i++) await other.publish('w', String(i), 1);
  await client.packet(11);
  await other.publish('w', 'live', 0);
  expect(Buffer.from(await client.packet(12), 'hex').toString()).toContain('live'); // QoS 0 does not wait
  expect(client.packets).toHaveLength(13);

  const published = (): string[] => client.packets.filter((packet) => packet.startsWith('32'));
  const ids = new Set<string>();
  for (let acknowledged = 0; acknowledged < 30;) {
    await waitFor(() => published().length > acknowledged);
    const packetId = published()[acknowledged++]!.slice(10, 14);
    ids.add(packetId);
    client.send(Buffer.from(`4002${packetId}`, 'hex'));
  }
  const payloads = published().map((packet) => Buffer.from(packet.slice(14), 'hex').toString());
  expect(payloads).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
  expect(ids.size).toBe(30);
  await waitFor(() => fixture.door.stats.deliveredQos1 === 30);
});
