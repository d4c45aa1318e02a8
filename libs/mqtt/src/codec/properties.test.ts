import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as any from '../testing/arbitraries.ts';
import { field, remainingLength } from '../testing/client-packets.ts';
import { BodyReader } from './body-reader.ts';
import { readProperties, type PacketProperties } from './properties.ts';
import { PROPERTIES, type PropertyOwner } from './property-table.ts';
import { encodeProperties } from './property-writer.ts';

const owners: PropertyOwner[] = [...new Set(PROPERTIES.flatMap((property) => property.owners))];

function read(
  bytes: Buffer,
  owner: PropertyOwner,
): { found: PacketProperties | undefined; failure: string | undefined; code: string } {
  const reader = new BodyReader(bytes, 0, bytes.length);
  const found = readProperties(reader, owner);
  reader.finish();
  return { found, failure: reader.failure, code: reader.code };
}

/** A property list with its length. */
function list(...fields: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(fields.map((bytes) => Buffer.from(bytes)));
  return Buffer.concat([remainingLength(body.length), body]);
}

test.each(owners)('what is written is read: %s', (owner) => {
  fc.assert(
    fc.property(any.properties(owner), (properties) => {
      const { found, failure } = read(encodeProperties(properties), owner);
      expect(failure).toBeUndefined();
      expect(found).toEqual(properties);
    }),
    { numRuns: 50 },
  );
});

test('the table has the 27 properties of table 2-4, each id and name once', () => {
  expect(PROPERTIES).toHaveLength(27);
  expect(new Set(PROPERTIES.map(({ id }) => id)).size).toBe(27);
  expect(new Set(PROPERTIES.map(({ key }) => key)).size).toBe(27);
});

test('[MQTT-2.2.2-1] no properties are one zero byte', () => {
  expect(encodeProperties(undefined)).toEqual(Buffer.from([0]));
  expect(read(Buffer.from([0]), 'publish')).toMatchObject({ found: undefined, failure: undefined });
  expect(read(Buffer.alloc(0), 'publish').failure).toBeDefined();
});

test('user properties keep their order and may repeat', () => {
  const userProperties: [string, string][] = [
    ['a', '1'],
    ['b', ''],
    ['a', '1'],
  ];
  expect(read(encodeProperties({ userProperties }), 'auth').found).toEqual({ userProperties });
});

test('subscription identifiers repeat only from the server', () => {
  const two = encodeProperties({ subscriptionIds: [1, 268_435_455] });
  expect(read(two, 'subscribe').failure).toContain('twice');
});

test.each([
  ['an unknown identifier', list([0x04, 0]), 'publish'],
  ['a property of another packet', encodeProperties({ topicAlias: 1 }), 'connect'],
  [
    '[MQTT-1.5.5-1] a subscription identifier of five bytes',
    list([0x0b, 0x80, 0x80, 0x80, 0x80, 1]),
    'subscribe',
  ],
  ['[MQTT-1.5.5-1] one not in its shortest form', list([0x0b, 0x81, 0x00]), 'subscribe'],
  ['[MQTT-1.5.4-2] U+0000 in a string', list([0x03], field('a\0')), 'publish'],
  ['[MQTT-3.3.2-19] a content type that is not UTF-8', list([0x03], field(Buffer.from([0xc3]))), 'publish'],
  ['[MQTT-3.3.2-13] a response topic that is not UTF-8', list([0x08], field(Buffer.from([0xc3]))), 'publish'],
  [
    '[MQTT-1.5.4-1] [MQTT-1.5.7-1] a surrogate in the name of a pair',
    list([0x26], field(Buffer.from([0xed, 0xa0, 0x80])), field('')),
    'publish',
  ],
  ['[MQTT-1.5.7-1] U+0000 in the value of a pair', list([0x26], field('a'), field('\0')), 'publish'],
  ['a value that runs over the property length', Buffer.from([2, 0x02, 0, 0, 0, 9]), 'publish'],
  ['a property length that runs over the packet', Buffer.from([9, 0x01, 1]), 'publish'],
  ['[MQTT-1.5.5-1] a length not in its shortest form', Buffer.from([0x82, 0x00, 0x01, 1]), 'publish'],
] as const)('malformed: %s', (_name, bytes, owner) => {
  expect(read(bytes, owner)).toMatchObject({
    failure: expect.any(String) as string,
    code: 'protocol.malformed',
  });
});

test.each([
  ['the same one twice', list([0x01, 1, 0x01, 1]), 'publish'],
  ['the same string twice, once empty', list([0x03], field(''), [0x03], field('x')), 'publish'],
  ['a payload format of 2', list([0x01, 2]), 'publish'],
  ['a boolean of 2', list([0x17, 2]), 'connect'],
  ['[MQTT-4.9.0-1] receive maximum 0', list([0x21, 0, 0]), 'connect'],
  ['maximum packet size 0', list([0x27, 0, 0, 0, 0]), 'connect'],
  ['subscription identifier 0', list([0x0b, 0]), 'subscribe'],
  ['[MQTT-3.3.2-14] a response topic with a wildcard', list([0x08], field('a/+')), 'publish'],
  ['an empty response topic', list([0x08], field('')), 'publish'],
  ['authentication data without a method', list([0x16], field('x')), 'connect'],
] as const)('a protocol error: %s', (_name, bytes, owner) => {
  expect(read(bytes, owner)).toMatchObject({ failure: expect.any(String) as string, code: 'protocol.error' });
});

test('[MQTT-3.3.2-8] topic alias 0 is an invalid topic alias', () => {
  expect(read(list([0x23, 0, 0]), 'publish').code).toBe('protocol.topic-alias');
});
