import { ConnectedEvent, decodeJson, DisconnectedEvent } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientOwner } from './client-owners.ts';
import { systemClock } from '@trivium/clock';
import { startDoor, startOtherDoor, type OtherDoor } from './door.fixture.ts';
import {
  connectFrame,
  DISCONNECT,
  PINGREQ,
  publishFrame,
  rawClient,
  subscribeFrame,
  type RawClient,
} from './raw-client.fixture.ts';

let nats: NatsServer;
let other: OtherDoor;
beforeAll(async () => {
  nats = await startNats();
  other = await startOtherDoor(nats.url);
});
afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
  await nats?.stop();
});

describe('connection events', () => {
  it('say who comes and goes, and why', async () => {
    await using fixture = await startDoor(nats.url, {
      door: { clock: { ...systemClock, now: () => 1_234 } },
    });
    const events: [string, Uint8Array][] = [];
    const follower = other.bus.follow({
      stream: 'EVENTS',
      after: 'end',
      onMessage: (_pos, { subject, data }) => void events.push([subject, data.slice()]),
    });
    await follower.ready;
    const leaves = rawClient(fixture.port);
    leaves.send(connectFrame({ clientId: 'dev.1' }), DISCONNECT);
    await leaves.closed();
    await waitFor(() => events.length === 2);
    const dies = rawClient(fixture.port);
    dies.send(connectFrame({ clientId: 'old', level: 3 }));
    await dies.packet(0);
    dies.socket.resetAndDestroy();
    const refused = rawClient(fixture.port);
    refused.send(connectFrame({ flags: 0 }));
    await refused.closed();
    await waitFor(() => events.length === 4);

    const common = {
      v: 1,
      door: fixture.bus.incarnation,
      service: 'mqtt-ingress',
      at: 1_234,
      address: '127.0.0.1',
    };
    expect(events.map(([subject]) => subject)).toEqual([
      'tv1.e.connected.dev%2E1',
      'tv1.e.disconnected.dev%2E1',
      'tv1.e.connected.old',
      'tv1.e.disconnected.old',
    ]);
    const [first, second, third, fourth] = events.map(([subject, data]) => {
      const decoded = decodeJson(subject.includes('.connected.') ? ConnectedEvent : DisconnectedEvent, data);
      if (!decoded.ok) throw new Error(decoded.error.message);
      return decoded.value as DisconnectedEvent;
    });
    expect(first).toMatchObject({ ...common, client: 'dev.1', protocol: 'mqtt3.1.1' });
    expect(second).toEqual({ ...first, reason: 'client.disconnected' });
    expect(third).toMatchObject({ ...common, client: 'old', protocol: 'mqtt3.1' });
    expect(fourth).toEqual({ ...third, reason: 'client.gone' });
    expect(third!.connection).not.toBe(first!.connection);
  });
});

describe('a client id has one connection [MQTT3-3.1.4-2]', () => {
  it('of forty that come at once, one is left', async () => {
    await using fixture = await startDoor(nats.url);
    const clients = Array.from({ length: 40 }, () => {
      const client = rawClient(fixture.port);
      client.send(connectFrame({ clientId: 'same' }), subscribeFrame(1, ['one', 1]));
      return client;
    });
    await waitFor(() => fixture.door.stats.accepted === 40 && fixture.door.connections === 1);
    expect(fixture.door.stats).toMatchObject({ sessions: 1, closed: { 'session.taken-over': 39 } });
    // The door may have counted an end that its client has still to see.
    const open = () => clients.filter((client) => !client.socket.destroyed);
    await waitFor(() => open().length === 1);
    const [left] = open() as [RawClient];
    await left.packet(1);
    await other.publish('one', 'x', 1);
    await left.packet(2);
    expect(
      clients.flatMap(({ packets }) => packets.filter((packet) => packet.startsWith('32'))),
    ).toHaveLength(1);
    left.send(PINGREQ);
    expect(await left.packet(3)).toBe('d000');
  });

  it('and the owner of client ids may decide between doors', async () => {
    const owners = new Map<string, ClientOwner>();
    await using fixture = await startDoor(nats.url, {
      door: {
        owners: {
          take: (client, _principal, owner) => void owners.set(client, owner),
          leave: (client) => void owners.delete(client),
          find: (client) => owners.get(client),
        },
      },
    });
    const late = rawClient(fixture.port);
    late.send(connectFrame({ clientId: 'late' }), PINGREQ);
    await waitFor(() => owners.has('late'));
    expect(late.packets).toEqual([]); // CONNACK waits for the claim
    owners.get('late')!.claimed();
    expect([await late.packet(0), await late.packet(1)]).toEqual(['20020000', 'd000']);
    owners.get('late')!.takenOver();
    await late.closed();
    expect(owners.has('late')).toBe(false);

    const unlucky = rawClient(fixture.port);
    unlucky.send(connectFrame({ clientId: 'unlucky' }));
    await waitFor(() => owners.has('unlucky'));
    owners.get('unlucky')!.claimFailed('bus.unavailable');
    await unlucky.closed();
    expect(unlucky.packets).toEqual(['20020003']);
    expect(fixture.door.stats.closed).toEqual({ 'session.taken-over': 1, 'bus.unavailable': 1 });
  });
});

describe('the number of connections', () => {
  it('is bounded', async () => {
    await using fixture = await startDoor(nats.url, { config: { maxConnections: 1 } });
    const first = rawClient(fixture.port);
    first.send(connectFrame());
    await first.packet(0);
    await rawClient(fixture.port).closed();
    await waitFor(() => fixture.door.connections === 1);
    first.send(PINGREQ);
    expect(await first.packet(1)).toBe('d000');
  });
});

describe('drain', () => {
  it('stores and acknowledges what was accepted, then closes everybody', async () => {
    await using fixture = await startDoor(nats.url);
    const clients = Array.from({ length: 20 }, (_, i) => {
      const client = rawClient(fixture.port);
      client.send(connectFrame({ clientId: `drained${i}` }));
      return client;
    });
    for (const client of clients) await client.packet(0);
    for (const client of clients) client.send(publishFrame('drain', 'x', 0x32, 1));
    await waitFor(() => fixture.door.stats.publishedQos1 === 20);
    fixture.door.stopAccepting();
    const late = rawClient(fixture.port);
    await fixture.door.drain({ signal: AbortSignal.timeout(60_000), graceMs: 200 });
    await Promise.all(clients.map((client) => client.closed()));
    for (const client of clients) expect(client.packets).toEqual(['20020000', '40020001']);
    await late.closed();
    expect(fixture.door.stats).toMatchObject({
      connections: 0,
      sessions: 0,
      closed: { 'server.draining': 20 },
    });
  });

  it('does not wait beyond its signal for a bus that is away', async () => {
    await using own = await startNats();
    await using fixture = await startDoor(own.url);
    const client = rawClient(fixture.port);
    client.send(connectFrame());
    await client.packet(0);
    await own.kill();
    await waitFor(() => !fixture.bus.up);
    client.send(publishFrame('a', 'x', 0x32, 1));
    await waitFor(() => fixture.door.stats.openPublishes === 1);
    await fixture.door.drain({ signal: AbortSignal.timeout(200), graceMs: 100 });
    expect(client.packets).toEqual(['20020000']); // no PUBACK for what is not stored
    expect(fixture.door.stats).toMatchObject({ connections: 0, openPublishes: 0 });
  });
});
