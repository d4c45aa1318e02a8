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
): { found: PacketProperties | undefined; failure: string | undefined } {
  const reader = new BodyReader(bytes, 0, bytes.length);
  const found = readProperties(reader, owner);
  reader.finish();
  return { found, failure: reader.failure };
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
  expect(read(Buffer.from([0]), 'publish')).toEqual({ found: undefined, failure: undefined });
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
  ['the same one twice', list([0x01, 1, 0x01, 1]), 'publish'],
  ['the same string twice, once empty', list([0x03], field(''), [0x03], field('x')), 'publish'],
  ['a payload format of 2', list([0x01, 2]), 'publish'],
  ['a boolean of 2', list([0x17, 2]), 'connect'],
  ['receive maximum 0', list([0x21, 0, 0]), 'connect'],
  ['maximum packet size 0', list([0x27, 0, 0, 0, 0]), 'connect'],
  ['topic alias 0', list([0x23, 0, 0]), 'publish'],
  ['subscription identifier 0', list([0x0b, 0]), 'subscribe'],
  ['a subscription identifier of five bytes', list([0x0b, 0x80, 0x80, 0x80, 0x80, 1]), 'subscribe'],
  ['a subscription identifier not in its shortest form', list([0x0b, 0x81, 0x00]), 'subscribe'],
  ['[MQTT-3.3.2-14] a response topic with a wildcard', list([0x08], field('a/+')), 'publish'],
  ['an empty response topic', list([0x08], field('')), 'publish'],
  ['[MQTT-1.5.4-2] U+0000 in a string', list([0x03], field('a\0')), 'publish'],
  [
    '[MQTT-1.5.4-1] a surrogate in a string',
    list([0x26], field(Buffer.from([0xed, 0xa0, 0x80])), field('')),
    'publish',
  ],
  ['authentication data without a method', list([0x16], field('x')), 'connect'],
  ['a value that runs over the property length', Buffer.from([2, 0x02, 0, 0, 0, 9]), 'publish'],
  ['a property length that runs over the packet', Buffer.from([9, 0x01, 1]), 'publish'],
  [
    '[MQTT-1.5.5-1] a property length not in its shortest form',
    Buffer.from([0x82, 0x00, 0x01, 1]),
    'publish',
  ],
] as const)('refused: %s', (_name, bytes, owner) => {
  expect(read(bytes, owner).failure).toBeDefined();
});
