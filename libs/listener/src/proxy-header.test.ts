import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readProxyHeader } from './proxy-header.ts';

const v1 = (line: string): Buffer => Buffer.from(line, 'latin1');
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
function v2(command: number, family: number, ...blocks: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(blocks.map((block) => Buffer.from(block)));
  return Buffer.concat([V2, Buffer.from([command, family, body.length >> 8, body.length & 0xff]), body]);
}
const IPV4 = [192, 0, 2, 1, 10, 0, 0, 1, 0xdc, 0x04, 0x07, 0x5b];
const IPV6 = Buffer.from(`20010db8${'0'.repeat(23)}9${'0'.repeat(31)}1dc04075b`, 'hex');
const client = (bytes: Buffer) => {
  const header = readProxyHeader(bytes);
  return header.kind === 'header' ? (header.client ?? 'no address') : header.kind;
};

describe('version 1 [2.1]', () => {
  test.each([
    ['PROXY TCP4 192.0.2.1 10.0.0.1 56324 1883\r\n', { address: '192.0.2.1', port: 56_324 }],
    ['PROXY TCP6 2001:DB8:0::9 ::1 1 65535\r\n', { address: '2001:db8::9', port: 1 }],
    ['PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n', { address: '192.0.2.1', port: 1 }],
    ['PROXY UNKNOWN\r\n', 'no address'],
    ['PROXY UNKNOWN ffff::1 what ever\r\n', 'no address'],
    ['PROXY TCP4 192.0.2.1 10.0.0.1 56324 1883', 'more'],
    ['PRO', 'more'],
    ['PROXY TCP4 192.0.2.1 10.0.0.1 56324 1883\n', 'more'],
    ['PROXY TCP4 ::1 10.0.0.1 1 2\r\n', 'malformed'],
    ['PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n', 'malformed'],
    ['PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n', 'malformed'],
    ['PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n', 'malformed'],
    ['PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n', 'malformed'],
    ['PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n', 'malformed'],
    ['PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n', 'malformed'],
    ['PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n', 'malformed'],
    [`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`, 'malformed'],
    ['GET / HTTP/1.1\r\n', 'malformed'],
    ['\x10\x0c\x00\x04MQTT', 'malformed'],
  ])('%j', (line, expected) => {
    expect(client(v1(line))).toEqual(expected);
  });
});

describe('version 2 [2.2]', () => {
  const tlvs = [0x20, 0, 15, 1, 0, 0, 0, 0, 0x22, 0, 7, ...Buffer.from('CN=root')];
  test.each([
    ['TCP over IPv4', v2(0x21, 0x11, IPV4), { address: '192.0.2.1', port: 56_324 }],
    ['TCP over IPv6', v2(0x21, 0x21, IPV6), { address: '2001:db8::9', port: 56_324 }],
    [
      'what follows the addresses is not read',
      v2(0x21, 0x11, IPV4, tlvs),
      { address: '192.0.2.1', port: 56_324 },
    ],
    ['the command LOCAL', v2(0x20, 0x00), 'no address'],
    ['LOCAL with addresses, which do not count', v2(0x20, 0x11, IPV4), 'no address'],
    ['a UNIX socket', v2(0x21, 0x31, Buffer.alloc(216)), 'no address'],
    ['of no family', v2(0x21, 0x00), 'no address'],
    ['a part of it', v2(0x21, 0x11, IPV4).subarray(0, 20), 'more'],
    ['a part of its beginning', V2.subarray(0, 5), 'more'],
    ['another version', v2(0x11, 0x11, IPV4), 'malformed'],
    ['another command', v2(0x22, 0x11, IPV4), 'malformed'],
    ['datagrams', v2(0x21, 0x12, IPV4), 'malformed'],
    ['another family', v2(0x21, 0x41, IPV4), 'malformed'],
    ['shorter than its addresses', v2(0x21, 0x21, IPV4), 'malformed'],
    ['too long', Buffer.concat([V2, Buffer.from([0x21, 0x11, 0xff, 0xff])]), 'malformed'],
  ])('%s', (_what, bytes, expected) => {
    expect(client(bytes)).toEqual(expected);
  });
});

const whole = [
  v1('PROXY TCP4 192.0.2.1 10.0.0.1 56324 1883\r\n'),
  v1('PROXY TCP6 2001:db8::9 ::1 56324 1883\r\n'),
  v2(0x21, 0x11, IPV4, [4, 0, 1, 0]),
  v2(0x21, 0x21, IPV6),
];

test('a header is the same however much of it and of what follows is there', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...whole),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(300),
      (header, rest, cut) => {
        const sent = Buffer.concat([header, rest]);
        const read = readProxyHeader(sent.subarray(0, cut));
        if (cut < header.length) expect(read.kind).toBe('more');
        else expect(read).toEqual(readProxyHeader(header));
      },
    ),
  );
});

test('whatever comes, a decision is made within 4,096 bytes, and a header is never longer than what came', () => {
  const broken = fc
    .tuple(fc.constantFrom(...whole), fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 6 }))
    .map(([header, changes]) => {
      const bytes = Buffer.from(header);
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      return Buffer.concat([bytes, Buffer.alloc(4_096)]);
    });
  const anything = fc.uint8Array({ minLength: 4_096, maxLength: 5_000 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(broken, anything), (bytes) => {
      const read = readProxyHeader(bytes);
      expect(read.kind).not.toBe('more');
      if (read.kind === 'header') expect(read.length).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 1_000 },
  );
});
