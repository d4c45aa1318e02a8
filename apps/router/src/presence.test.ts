import { type ConnectedEvent, encodeJson, eventSubject, Presence, presenceKey } from '@trivium/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DOOR_LOST, presence, type PresenceMessage } from './presence.ts';

const NOW = 5_000;

function event(connection: string, at: number, door = 'd1'): ConnectedEvent {
  return { v: 1, client: 'c', connection, door, service: 'mqtt-ingress', protocol: 'mqtt3.1.1', at };
}
const connected = (connection: string, at = 1, door = 'd1'): PresenceMessage => ({
  type: 'connected',
  event: event(connection, at, door),
});
const disconnected = (connection: string, at = 2, door = 'd1'): PresenceMessage => ({
  type: 'disconnected',
  event: { ...event(connection, at, door), reason: 'closed' },
});
const doorLost = (door: string, since?: number): PresenceMessage => ({ type: 'door-lost', door, since });

function after(...messages: PresenceMessage[]): Presence {
  let state = presence.initial('c');
  for (const [i, message] of messages.entries()) {
    state = { ...presence.step(state, message, { id: 'c', pos: i + 1, nowMs: NOW }).state, pos: i + 1 };
  }
  return state;
}

describe('presence', () => {
  test('says where a device is, and after its end when and why it went', () => {
    expect(after(connected('k1'))).toEqual({
      v: 1,
      client: 'c',
      online: true,
      door: 'd1',
      service: 'mqtt-ingress',
      protocol: 'mqtt3.1.1',
      connection: 'k1',
      connectedAt: 1,
      pos: 1,
    });
    expect(after(connected('k1'), disconnected('k1'))).toMatchObject({
      online: false,
      connectedAt: 1,
      disconnectedAt: 2,
      reason: 'closed',
    });
  });

  test('a late end of an old connection does not mark the newer one offline', () => {
    expect(after(connected('k1'), connected('k2', 3, 'd2'), disconnected('k1'))).toMatchObject({
      online: true,
      door: 'd2',
      connection: 'k2',
    });
  });

  test('a repeat of its beginning does not bring an ended connection back', () => {
    expect(after(connected('k1'), disconnected('k1'), connected('k1'))).toMatchObject({ online: false });
  });

  test('a device first heard of at its end is offline', () => {
    expect(after(disconnected('k1'))).toMatchObject({ online: false, connection: 'k1', disconnectedAt: 2 });
  });

  test('whatever the order of connections, it is online exactly when the last one begun has not ended', () => {
    // Connections with two events each, interleaved, each connection's own in order, any event repeated.
    const log = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { maxLength: 40 });
    fc.assert(
      fc.property(log, (picks) => {
        const begun = new Set<number>();
        const ended = new Set<number>();
        let last: number | undefined;
        const messages = picks.map(([k, repeat]) => {
          if (!begun.has(k)) {
            begun.add(k);
            last = k;
            return connected(`k${k}`);
          }
          if (repeat && !ended.has(k) && last === k) return connected(`k${k}`);
          ended.add(k);
          return disconnected(`k${k}`);
        });
        const state = after(...messages);
        expect(state.online).toBe(last !== undefined && !ended.has(last));
        if (last !== undefined) expect(state.connection).toBe(`k${last}`);
      }),
    );
  });

  test('a lost door takes the devices that were connected there, and no others, offline', () => {
    expect(after(connected('k1'), doorLost('d1'))).toMatchObject({
      online: false,
      reason: DOOR_LOST,
      disconnectedAt: NOW,
    });
    expect(after(connected('k1'), doorLost('d2'))).toMatchObject({ online: true });
    expect(after(connected('k1'), disconnected('k1'), doorLost('d1'))).toMatchObject({ reason: 'closed' });
    expect(after(connected('k1'), connected('k2', 3, 'd2'), doorLost('d1'))).toMatchObject({ online: true });
  });

  test('a door that lives anew has lost the connections from before', () => {
    expect(after(connected('k1', 100), doorLost('d1', 101))).toMatchObject({ online: false });
    expect(after(connected('k1', 101), doorLost('d1', 101))).toMatchObject({ online: true });
  });

  test('the end that a lost door tells of afterwards changes nothing', () => {
    const state = after(connected('k1'), doorLost('d1'), disconnected('k1'));
    expect(state).toMatchObject({ online: false, reason: DOOR_LOST });
  });

  test('what changes nothing leaves the same state, so that nothing is written', () => {
    const state = after(connected('k1'));
    const context = { id: 'c', pos: 9, nowMs: NOW };
    for (const message of [connected('k1'), disconnected('k0'), doorLost('d9')]) {
      expect(presence.step(state, message, context)).toEqual({ state, effects: [] });
      expect(presence.step(state, message, context).state).toBe(state);
    }
  });

  test('a new connection asks whether its door lives', () => {
    const { effects } = presence.step(presence.initial('c'), connected('k1', 7), {
      id: 'c',
      pos: 1,
      nowMs: NOW,
    });
    expect(effects).toEqual([{ type: 'online-at', door: 'd1', connectedAt: 7 }]);
  });

  test('every state fits the contract and stands at its key', () => {
    for (const state of [after(), after(connected('k1')), after(connected('k1'), doorLost('d1'))]) {
      const encoded = presence.encode(state);
      if (!encoded.ok) throw new Error(encoded.error.message);
      expect(presence.read(encoded.value)).toEqual({ ok: true, value: state });
    }
    expect(presence.key('a/b c')).toBe(presenceKey('a/b c'));
  });
});

describe('events', () => {
  const bytes = encodeJson(Presence, event('k1', 1) as unknown as Presence);

  test('are addressed by their subject, whatever the client is called', () => {
    for (const client of ['c', 'a/b', 'x.y z', 'ü', '']) {
      expect(presence.address(eventSubject('connected', client))).toBe(client);
      expect(presence.address(eventSubject('disconnected', client))).toBe(client);
    }
    expect(presence.address(eventSubject('subscribed', 'c'))).toBeUndefined();
    expect(presence.address('tv1.e.connected.no.token')).toBeUndefined();
  });

  test('are checked against their schema and their subject', () => {
    expect(presence.decode(eventSubject('connected', 'c'), bytes)).toMatchObject({
      ok: true,
      value: { type: 'connected', event: { connection: 'k1' } },
    });
    const refused = { ok: false, error: { code: 'payload.invalid' } };
    expect(presence.decode(eventSubject('connected', 'other'), bytes)).toMatchObject(refused);
    expect(presence.decode(eventSubject('connected', 'c'), bytes.subarray(1))).toMatchObject(refused);
    expect(
      presence.decode(eventSubject('connected', 'c'), new TextEncoder().encode('{"v":2}')),
    ).toMatchObject(refused);
  });
});
