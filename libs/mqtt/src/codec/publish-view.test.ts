import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as any from '../testing/arbitraries.ts';
import { field, packet, publish, u16, type PublishFields } from '../testing/client-packets.ts';
import { AFTER_CONNECT } from './first-byte.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { ProtocolLevel } from './packet-type.ts';
import { encodeProperties } from './property-writer.ts';
import { PublishView } from './publish-view.ts';
import {
  packetIdOffset,
  packetSize,
  publishBodySize,
  publishFirstByte,
  writePublish,
} from './publish-writer.ts';

function read(bytes: Buffer, level: ProtocolLevel = 4) {
  const splitter = new FrameSplitter(1_000_000);
  splitter.accepted = AFTER_CONNECT[level];
  splitter.feed(bytes);
  const view = new PublishView();
  const ok =
    splitter.next() && view.read(splitter.first, splitter.buffer, splitter.start, splitter.end, level);
  const { buffer } = splitter;
  return {
    ok,
    view,
    fault: splitter.fault,
    topic: ok ? buffer.toString('utf8', view.topicStart, view.topicEnd) : undefined,
    payload: ok ? buffer.subarray(view.payloadStart, view.payloadEnd) : undefined,
  };
}

test.each([4, 5] as const)('what is written is read, level %i', (level) => {
  const fields = fc.record({
    topic: any.topic,
    payload: fc.uint8Array({ maxLength: 300 }),
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    retain: fc.boolean(),
    dup: fc.boolean(),
    properties: level === 5 ? any.properties('publish') : fc.constant(undefined),
  });
  fc.assert(
    fc.property(fields, ({ topic, payload, qos, packetId, retain, dup, properties }) => {
      if (properties?.subscriptionIds !== undefined) return;
      const again = dup && qos > 0;
      const topicField = field(topic);
      const encoded = level === 5 ? encodeProperties(properties) : undefined;
      const body = publishBodySize(topicField, payload, qos, encoded);
      const bytes = Buffer.alloc(packetSize(body) + 2);
      const end = writePublish(
        bytes,
        1,
        publishFirstByte(qos, retain, again),
        body,
        topicField,
        packetId,
        encoded,
        payload,
      );
      expect(end).toBe(bytes.length - 1);
      const sent = bytes.subarray(1, end);
      expect(sent).toEqual(publish({ topic, payload, qos, packetId, retain, dup: again, level, properties }));
      if (qos > 0) expect(sent.readUInt16BE(packetIdOffset(body, topicField))).toBe(packetId);

      const { view, ...seen } = read(sent, level);
      expect(seen).toMatchObject({ ok: true, topic, payload: Buffer.from(payload) });
      expect(view).toMatchObject({ qos, retain, dup: again, packetId: qos === 0 ? 0 : packetId, properties });
    }),
  );
});

const refused: [string, Buffer][] = [
  ['[MQTT3-2.3.1-1] [MQTT-2.2.1-3] packet id 0', publish({ qos: 1, packetId: 0 })],
  ['no packet id', packet(0x32, field('t'))],
  ['half a packet id', packet(0x32, field('t'), [1])],
  ['no topic', packet(0x30)],
  ['half a topic length', packet(0x30, [0])],
  ['a topic that runs over the end', packet(0x30, u16(5), [0x61, 0x62])],
];
test.each(refused)('malformed: %s', (_name, bytes) => {
  expect(read(bytes).ok).toBe(false);
});

test('[MQTT3-3.3.1-4] [MQTT-3.3.1-4] QoS 3 and [MQTT3-3.3.1-2] [MQTT-3.3.1-2] DUP at QoS 0 are malformed by their first byte', () => {
  for (const first of [0x36, 0x37, 0x3e, 0x38, 0x39]) {
    const bytes = publish();
    bytes[0] = first;
    expect(read(bytes).fault).toBe('protocol.malformed');
  }
});

test('an empty payload is a payload', () => {
  expect(read(publish({ payload: '' })).payload).toEqual(Buffer.alloc(0));
});

const five = (fields: PublishFields) => read(publish({ ...fields, level: 5 }), 5);

test('[MQTT-3.3.4-6] a subscription identifier from a client is malformed', () => {
  expect(five({ properties: { subscriptionIds: [1] } }).ok).toBe(false);
});

test('MQTT 5: properties that run over the end, or belong elsewhere, are malformed', () => {
  expect(read(packet(0x30, field('t'), [5, 0x01]), 5).ok).toBe(false);
  expect(read(packet(0x30, field('t')), 5).ok).toBe(false);
  expect(five({ properties: { receiveMaximum: 1 } }).ok).toBe(false);
  expect(five({ properties: { topicAlias: 0 } }).ok).toBe(false);
  expect(five({ properties: { responseTopic: 'a/#' } }).ok).toBe(false);
});
