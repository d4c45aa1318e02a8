import fc from 'fast-check';
import type { QoS } from '@trivium/contracts';
import { PROPERTIES, type PropertyDefinition, type PropertyOwner } from '../codec/property-table.ts';
import type { PacketProperties } from '../codec/properties.ts';
import type { ProtocolLevel } from '../codec/packet-type.ts';
import * as client from './client-packets.ts';

/** Legal packets of clients, for properties and as seeds of the fuzz. */

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((s) => s.replaceAll('\0', ' '));
const bytes = fc.uint8Array({ maxLength: 20 }).map((a) => Buffer.from(a));
export const level: fc.Arbitrary<ProtocolLevel> = fc.constantFrom(3, 4, 5);
const qos: fc.Arbitrary<QoS> = fc.constantFrom(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 65_535 });

export const topic = text.map((s) => s.replaceAll(/[+#]/g, '-') || 't');
export const filter = fc
  .array(fc.oneof(topic, fc.constant('+')), { minLength: 1, maxLength: 5 })
  .chain((levels) => fc.constantFrom(levels.join('/'), `${levels.join('/')}/#`, '#'))
  .filter((f) => !f.startsWith('$share/'));

function value({ form, key, min = 0 }: PropertyDefinition): fc.Arbitrary<unknown> {
  if (key === 'subscriptionIds') return fc.integer({ min: 1, max: 268_435_455 }).map((id) => [id]);
  switch (form) {
    case 'bit':
      return fc.constantFrom(0, 1);
    case 'boolean':
      return fc.boolean();
    case 'uint16':
      return fc.integer({ min, max: 65_535 });
    case 'uint32':
      return fc.integer({ min, max: 0xffff_ffff });
    case 'variable':
      return fc.integer({ min: 1, max: 268_435_455 });
    case 'binary':
      return bytes;
    case 'utf8':
      return text;
    case 'topic':
      return topic;
    case 'pair':
      return fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 });
  }
}

/** Legal properties of a packet; undefined for none, as a decoder gives it. */
export function properties(owner: PropertyOwner): fc.Arbitrary<PacketProperties | undefined> {
  const members = PROPERTIES.filter(({ owners }) => owners.includes(owner)).map(
    (definition) => [definition.key, value(definition)] as const,
  );
  return fc.record(Object.fromEntries(members), { requiredKeys: [] }).map((record) => {
    const found = record as PacketProperties;
    if (found.authMethod === undefined) delete found.authData;
    return Object.keys(found).length === 0 ? undefined : found;
  });
}

const only5 = <T>(at: ProtocolLevel, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  at === 5 ? arbitrary : fc.constant(undefined);

export function connect(at: ProtocolLevel): fc.Arbitrary<Buffer> {
  const will = fc.record({
    topic,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: only5(at, properties('will')),
  });
  return fc
    .record({
      level: fc.constant(at),
      clientId: text,
      clean: fc.boolean(),
      keepAliveSeconds: fc.integer({ min: 0, max: 65_535 }),
      will: fc.option(will, { nil: undefined }),
      username: fc.option(text, { nil: undefined }),
      password: fc.option(bytes, { nil: undefined }),
      properties: only5(at, properties('connect')),
    })
    .map((fields) =>
      client.connect(at < 5 && fields.username === undefined ? { ...fields, password: undefined } : fields),
    );
}

export function publish(at: ProtocolLevel): fc.Arbitrary<Buffer> {
  const allowed = only5(at, properties('publish')).map((all) => {
    if (all === undefined) return undefined;
    const { subscriptionIds: _, ...rest } = all;
    return Object.keys(rest).length === 0 ? undefined : rest;
  });
  return fc
    .record({
      topic,
      payload: bytes,
      qos,
      packetId,
      retain: fc.boolean(),
      dup: fc.boolean(),
      properties: allowed,
    })
    .map((fields) => client.publish({ ...fields, dup: fields.dup && fields.qos > 0, level: at }));
}

/** Any packet after CONNECT. */
export function later(at: ProtocolLevel): fc.Arbitrary<Buffer> {
  const request = fc.record({
    filter,
    qos,
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0 as const, 1 as const, 2 as const),
  });
  const plain = request.map(({ filter: f, qos: q }) => ({ filter: f, qos: q }));
  const requests = fc.array(at === 5 ? request : plain, { minLength: 1, maxLength: 4 });
  const acknowledgement = fc
    .record({ type: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'), packetId })
    .map(({ type, packetId: id }) => client.acknowledge(type, id));
  return fc.oneof(
    publish(at),
    fc
      .record({ packetId, requests, properties: only5(at, properties('subscribe')) })
      .map((p) => client.subscribe(p.packetId, p.requests, at, p.properties)),
    fc
      .record({ packetId, filters: fc.array(filter, { minLength: 1, maxLength: 4 }) })
      .map((p) => client.unsubscribe(p.packetId, p.filters, at)),
    acknowledgement,
    fc.constant(client.PINGREQ),
    fc.constant(client.disconnect()),
    ...(at === 5
      ? [
          properties('disconnect').map((p) => client.disconnect(4, p)),
          properties('auth').map((p) => client.auth(0x18, { ...p, authMethod: 'm' })),
          properties('puback').map((p) => client.acknowledge('puback', 7, 0x10, p)),
        ]
      : []),
  );
}
