import type { StoreSink } from '@trivium/bus';
import { startNats, waitFor } from '@trivium/testing';
import { describe, expect, it } from 'vitest';
import { withPublisher } from './bus.fixture.ts';
import { startDoor, startOtherDoor } from './door.fixture.ts';
import { connectFrame, PINGREQ, publishFrame, rawClient } from './raw-client.fixture.ts';

const puback = (packetId: number): string => `4002${packetId.toString(16).padStart(4, '0')}`;
const PINGRESP = 'd000';

describe('PUBACK', () => {
  it('leaves when the message is stored, not before [MQTT3-4.3.2-2]', async () => {
    await using nats = await startNats();
    const answers: (() => void)[] = [];
    await using fixture = await startDoor(nats.url, {
      bus: (bus) =>
        withPublisher(bus, (publisher) => ({
          durable(subject, payload, headers, sink, token) {
            const late: StoreSink = {
              stored: (...stored) => void answers.push(() => sink.stored(...stored)),
              failed: (...failed) => sink.failed(...failed),
            };
            publisher.durable(subject, payload, headers, subject.startsWith('tv1.m.') ? late : sink, token);
          },
        })),
    });
    const client = rawClient(fixture.port);
    client.send(connectFrame(), publishFrame('a', '1', 0x32, 1), publishFrame('a', '2', 0x32, 2), PINGREQ);
    await waitFor(() => answers.length === 2);
    expect(await client.packet(1)).toBe(PINGRESP); // the client is served meanwhile
    expect(client.packets).toHaveLength(2);
    answers[1]!(); // acknowledged in the order of the PUBLISH packets [MQTT3-4.6.0-2]
    client.send(PINGREQ);
    expect(await client.packet(2)).toBe(PINGRESP);
    answers[0]!();
    expect([await client.packet(3), await client.packet(4)]).toEqual([puback(1), puback(2)]);
    expect(fixture.door.stats.openPublishes).toBe(0);
  });

  it('waits for the bus to come back, and the message is then stored', async () => {
    await using nats = await startNats();
    await using fixture = await startDoor(nats.url);
    const client = rawClient(fixture.port);
    client.send(connectFrame());
    await client.packet(0);
    await nats.kill();
    await waitFor(() => !fixture.bus.up);
    client.send(publishFrame('a', 'first', 0x32, 1), publishFrame('a', 'second', 0x32, 2));
    await waitFor(() => fixture.door.stats.openPublishes > 0);
    client.send(publishFrame('a', 'third', 0x32, 3), publishFrame('a', 'lost', 0x30), PINGREQ);
    await nats.restart();
    const packets: string[] = [];
    for (let i = 1; i <= 4; i++) packets.push(await client.packet(i));
    expect(packets.filter((packet) => packet !== PINGRESP)).toEqual([puback(1), puback(2), puback(3)]);
    expect(fixture.door.stats.retriedPublishes).toBeGreaterThan(0);

    await using other = await startOtherDoor(nats.url);
    const stored: string[] = [];
    const last = await other.bus.lastPos('MESSAGES');
    for (let pos = 1; pos <= last; pos++)
      stored.push(Buffer.from((await other.bus.read('MESSAGES', pos))!.data).toString());
    expect([...new Set(stored)]).toEqual(['first', 'second', 'third']);
  });

  it('a client without PUBACK is not read beyond what the door keeps', async () => {
    await using nats = await startNats();
    await using fixture = await startDoor(nats.url, { config: { maxOpenPublishes: 10 } });
    const client = rawClient(fixture.port);
    client.send(connectFrame());
    await client.packet(0);
    await nats.kill();
    await waitFor(() => !fixture.bus.up);
    const count = 400;
    for (let i = 1; i <= count; i++) client.send(publishFrame('a', 'x'.repeat(20_000), 0x32, i));
    await waitFor(() => fixture.door.stats.openPublishes > 0);
    client.send(PINGREQ);
    await waitFor(() => client.socket.writableLength > 0); // the kernel has no more room either
    expect(fixture.door.stats.openPublishes).toBeLessThanOrEqual(10);
    expect(fixture.door.stats.bytesIn).toBeLessThan((count * 20_000) / 2);
    await nats.restart();
    expect(await client.packet(count)).toBeDefined();
    await client.packet(count + 1);
    expect(client.packets.filter((packet) => packet.startsWith('4002'))).toHaveLength(count);
  });

  it('QoS 0 is dropped and counted while the bus is down, and the client stays', async () => {
    await using nats = await startNats();
    await using fixture = await startDoor(nats.url);
    const client = rawClient(fixture.port);
    client.send(connectFrame());
    await client.packet(0);
    await nats.kill();
    await waitFor(() => !fixture.bus.up);
    client.send(publishFrame('a', '1'), publishFrame('a', '2'), PINGREQ);
    expect(await client.packet(1)).toBe(PINGRESP);
    expect(fixture.door.stats.droppedIn).toBe(2);
  });

  it('a message that the bus refuses is never acknowledged: the client is closed', async () => {
    await using nats = await startNats();
    await using fixture = await startDoor(nats.url, {
      bus: (bus) =>
        withPublisher(bus, (publisher) => ({
          durable(subject, payload, headers, sink, token) {
            if (!subject.startsWith('tv1.m.'))
              return publisher.durable(subject, payload, headers, sink, token);
            queueMicrotask(() => sink.failed(token, 'bus.refused'));
          },
        })),
    });
    const client = rawClient(fixture.port);
    client.send(connectFrame(), publishFrame('a', '1', 0x32, 1));
    await client.closed();
    expect(client.packets).toEqual(['20020000']);
    expect(fixture.door.stats.closed).toEqual({ 'bus.refused': 1 });
  });
});
