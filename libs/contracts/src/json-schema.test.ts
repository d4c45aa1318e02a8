import { describe, expect, test } from 'vitest';
import { ConnectedEvent, DisconnectedEvent } from './connection-events.ts';
import { decodeJson, encodeJson } from './json-schema.ts';
import { DoorLease, PartitionLease } from './leases.ts';
import { Presence } from './presence.ts';
import type { TSchema } from 'typebox';

const utf8 = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

const connected: ConnectedEvent = {
  v: 1,
  client: 'ü',
  connection: 'c1',
  door: 'd1',
  service: 'mqtt-ingress',
  protocol: 'mqtt3.1.1',
  at: 1767225600000,
  address: '127.0.0.1',
};
const disconnected: DisconnectedEvent = { ...connected, reason: 'keepalive.timeout' };
const doorLease: DoorLease = { v: 1, incarnation: 'd1', service: 'ws-ingress', startedAt: 1 };
const partitionLease: PartitionLease = { v: 1, owner: 'r1' };
const presence: Presence = { v: 1, client: '', online: false, disconnectedAt: 2, pos: 0 };

const documents: [string, TSchema, Record<string, unknown>][] = [
  ['ConnectedEvent', ConnectedEvent, connected],
  ['DisconnectedEvent', DisconnectedEvent, disconnected],
  ['DoorLease', DoorLease, doorLease],
  ['PartitionLease', PartitionLease, partitionLease],
  ['Presence', Presence, presence],
];

describe.each(documents)('%s', (_name, schema, value) => {
  test('comes back', () =>
    expect(decodeJson(schema, encodeJson(schema, value))).toEqual({ ok: true, value }));

  test('passes with a member that a later version may have added', () => {
    const later = { ...value, later: [1] };
    expect(decodeJson(schema, utf8(later))).toEqual({ ok: true, value: later });
  });

  test('is refused in another version, and names the member', () =>
    expect(decodeJson(schema, utf8({ ...value, v: 2 }))).toMatchObject({
      ok: false,
      error: { code: 'payload.invalid', message: expect.stringMatching(/^\/v /) as string },
    }));

  test.each(schemaKeys(schema))('is refused without its %s', (key) => {
    const { [key]: _, ...rest } = value;
    expect(decodeJson(schema, utf8(rest)).ok).toBe(false);
  });

  test.each(Object.keys(value))('is refused with a %s of the wrong type', (key) =>
    expect(decodeJson(schema, utf8({ ...value, [key]: {} })).ok).toBe(false),
  );
});

function schemaKeys(schema: TSchema): string[] {
  return (schema as unknown as { required: string[] }).required;
}

test.each(['', '{', '"', 'null', '[]', '7', '{}'])('%j is no event', (json) =>
  expect(decodeJson(ConnectedEvent, utf8(json))).toMatchObject({
    ok: false,
    error: { code: 'payload.invalid' },
  }),
);

test('bytes that are not UTF-8 are refused', () =>
  expect(decodeJson(ConnectedEvent, new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({
    error: { message: 'not UTF-8' },
  }));

test('an unknown protocol is refused', () =>
  expect(decodeJson(ConnectedEvent, utf8({ ...connected, protocol: 'coap' })).ok).toBe(false));
