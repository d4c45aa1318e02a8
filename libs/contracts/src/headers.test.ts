import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerReader, headerText, properties as anyProperties } from './headers.arbitrary.ts';
import {
  decodeClient,
  decodeLetter,
  decodePos,
  decodeProperties,
  decodeQos,
  decodeRetain,
  encodeHeaders,
} from './headers.ts';
import type { HeaderAll, HeaderGet } from './headers.ts';

const lines = (block: Uint8Array | undefined): string | undefined => block && new TextDecoder().decode(block);
const from = (headers: Record<string, string>): { get: HeaderGet; all: HeaderAll } => ({
  get: (name) => headers[name],
  all: (name) => (headers[name] === undefined ? [] : [headers[name]]),
});

describe('encodeHeaders', () => {
  test('is nothing when there is nothing to say', () => {
    expect(encodeHeaders({})).toBeUndefined();
    expect(encodeHeaders({ properties: {}, retain: false })).toBeUndefined();
    expect(encodeHeaders({ properties: { userProperties: [] } })).toBeUndefined();
  });

  test('writes one line for each field, user properties in order', () => {
    const block = encodeHeaders({
      properties: {
        contentType: 'text/plain; x=1',
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['b', '3'],
        ],
      },
      client: 'ü',
      qosBelowSubject: 0,
      retain: true,
      pos: 7,
      msgId: 's/1',
    });
    expect(lines(block)).toBe(
      'NATS/1.0\r\nTv-Ct: text/plain; x=1\r\nTv-Up: b=1\r\nTv-Up: a=2\r\nTv-Up: b=3\r\nTv-Cl: %C3%BC\r\nTv-Q: 0\r\nTv-Ret: 1\r\nTv-Pos: 7\r\nNats-Msg-Id: s/1\r\n\r\n',
    );
  });

  test('leaves out trace context that is not printable ASCII, as its standard demands', () =>
    expect(
      encodeHeaders({ properties: { traceparent: '00-a\r\nTv-Cl: evil', tracestate: 'ü' } }),
    ).toBeUndefined());

  test('says of a dead letter what its subject does not: topic and reason', () => {
    const { get } = headerReader(encodeHeaders({ topic: 'a/ü', reason: '/value must be number' }));
    expect(decodeLetter(get)).toEqual({ topic: 'a/ü', reason: '/value must be number' });
    expect(decodeLetter(headerReader(encodeHeaders({ topic: 'a' })).get)).toBeUndefined();
  });

  test('lets no text break out of its line', () => {
    fc.assert(
      fc.property(headerText, headerText, headerText, (a, b, c) => {
        const block = encodeHeaders({
          properties: { contentType: a, userProperties: [[b, c]] },
          client: b,
          msgId: c,
        });
        expect(headerReader(block).names).toEqual(['Tv-Ct', 'Tv-Up', 'Tv-Cl', 'Nats-Msg-Id']);
      }),
    );
  });
});

describe('decodeProperties', () => {
  test('gives back any properties', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const headers = headerReader(encodeHeaders({ properties }));
        const expected = Object.keys(properties).length === 0 ? undefined : properties;
        expect(decodeProperties(headers.get, headers.all)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('is undefined when only other headers are there', () => {
    const headers = headerReader(encodeHeaders({ client: 'c', retain: true, msgId: 'x' }));
    expect(decodeProperties(headers.get, headers.all)).toBeUndefined();
  });

  test('treats an empty value as none: some readers answer so for a missing header', () =>
    expect(
      decodeProperties(
        () => '',
        () => [],
      ),
    ).toBeUndefined());

  test.each([
    [{ 'Tv-Ct': '%C3' }],
    [{ 'Tv-Ct': '%zz' }],
    [{ 'Tv-Ct': '%c3%bc' }],
    [{ 'Tv-Rt': 'ü%20' }],
    [{ 'Tv-Cd': 'not base64' }],
    [{ 'Tv-Pf': '2' }],
    [{ 'Tv-Exp': '1e3' }],
    [{ 'Tv-Exp': '-1' }],
    [{ 'Tv-Exp': '9999999999999999' }],
    [{ 'Tv-Up': 'no separator' }],
    [{ 'Tv-Up': '%zz=a' }],
  ])('leaves out what it cannot read: %j', (headers) => {
    const { get, all } = from(headers);
    expect(decodeProperties(get, all)).toBeUndefined();
  });
});

describe('the other fields', () => {
  test('come back for any publisher and position', () => {
    fc.assert(
      fc.property(headerText, fc.maxSafeNat(), fc.boolean(), (client, pos, retain) => {
        const { get } = headerReader(encodeHeaders({ client, pos, retain }));
        expect([decodeClient('-', get), decodePos(get), decodeRetain(get)]).toEqual([client, pos, retain]);
      }),
    );
  });

  test('the QoS is that of the subject unless Tv-Q says a lower one', () => {
    const { get } = headerReader(undefined);
    expect([decodeQos(0, get), decodeQos(1, get), decodeQos(2, get)]).toEqual([0, 1, 2]);
    expect([decodeQos(1, from({ 'Tv-Q': '0' }).get), decodeQos(2, from({ 'Tv-Q': '1' }).get)]).toEqual([
      0, 1,
    ]);
    expect([
      decodeQos(0, from({ 'Tv-Q': '2' }).get),
      decodeQos(1, from({ 'Tv-Q': 'x' }).get),
      decodeQos(0, from({ 'Tv-Q': '1' }).get),
    ]).toEqual([0, 1, 0]);
  });

  test('a publisher named in the subject needs no header', () =>
    expect(decodeClient('c%2E1', () => 'other')).toBe('c.1'));
});
