import { connect } from 'node:net';
import {
  tempDir,
  testAuthority,
  waitFor,
  type TempDir,
  type TestAuthority,
  type TestCertificate,
} from '@trivium/testing';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echoListener, tcpClient, tlsClient, type Hearing } from './echo-listener.fixture.ts';

let folder: TempDir;
let authority: TestAuthority;
let own: TestCertificate;
let tls: { cert: string; key: string };
beforeAll(async () => {
  folder = await tempDir();
  authority = await testAuthority(folder.path);
  own = await authority.issue('door');
  tls = { cert: own.certFile, key: own.keyFile };
});
afterAll(() => folder.remove());

const V1 = 'PROXY TCP4 192.0.2.1 10.0.0.1 56324 1883\r\n';
const V2_BEGIN = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** TCP over IPv6 from 2001:db8::9, and a TLV of a certificate's name. */
const V2 = Buffer.concat([
  V2_BEGIN,
  Buffer.from('2121002e', 'hex'),
  Buffer.from(`20010db8${'0'.repeat(23)}9${'0'.repeat(31)}1dc04075b`, 'hex'),
  Buffer.from([0x22, 0, 7, ...Buffer.from('CN=root')]),
]);

describe('behind a balancer', () => {
  test.each([
    ['version 1', V1, '192.0.2.1'],
    ['version 2', V2, '2001:db8::9'],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n', '127.0.0.1'],
    ['LOCAL', Buffer.concat([V2_BEGIN, Buffer.from('20000000', 'hex')]), '127.0.0.1'],
  ])('the client’s address is that of the header: %s', async (_what, header, address) => {
    await using listener = await echoListener({ proxySources: ['127.0.0.0/8'] });
    using client = tcpClient(listener.port);
    client.socket.write(Buffer.concat([Buffer.from(header), Buffer.from('at once')]));
    await client.heard(`from ${address}\nat once`);
    client.socket.write(', and later');
    await client.heard('at once, and later');
  });

  test('a header may come in pieces, with what follows it or without', async () => {
    await using listener = await echoListener({ proxySources: ['127.0.0.1'] });
    const cuts = fc.array(fc.nat(V2.length + 6), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(Buffer.from(V1), V2), cuts, async (header, at) => {
        const sent = Buffer.concat([header, Buffer.from('hello')]);
        using client = tcpClient(listener.port);
        client.socket.setNoDelay(true);
        let begin = 0;
        for (const end of [...at.sort((a, b) => a - b), sent.length]) {
          const piece = sent.subarray(begin, end);
          if (piece.length > 0)
            await new Promise<void>((resolve) => client.socket.write(piece, () => resolve()));
          begin = Math.max(begin, Math.min(end, sent.length));
        }
        await client.heard('hello');
        expect(client.text).toMatch(/^from (192\.0\.2\.1|2001:db8::9)\nhello$/);
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ['none', 'GET / HTTP/1.1\r\n'],
    ['a broken one', 'PROXY TCP4 nobody 10.0.0.1 1 2\r\n'],
    ['its end', undefined],
  ])('a connection with another beginning is closed and counted: %s', async (_what, sent) => {
    await using listener = await echoListener({ proxySources: ['127.0.0.1'] });
    using client = tcpClient(listener.port);
    if (sent === undefined) client.socket.end();
    else client.socket.write(sent);
    await client.gone();
    expect(client.text).not.toContain('from');
    expect(listener.arrivals.stats).toMatchObject({ proxyRefused: 1, shakingHands: 0 });
  });

  test('a header that does not come in time is not waited for', async () => {
    await using listener = await echoListener({ proxySources: ['127.0.0.1'] });
    using client = tcpClient(listener.port);
    client.socket.write('PROXY TCP4 ');
    await waitFor(() => listener.arrivals.stats.shakingHands === 1);
    listener.pass(9_999);
    expect(client.ended).toBe(false);
    listener.pass(1);
    await client.gone();
    expect(listener.arrivals.stats).toMatchObject({ handshakesCutOff: 1, shakingHands: 0 });
  });

  test('a header from elsewhere is not believed', async () => {
    await using listener = await echoListener({ proxySources: ['10.0.0.0/8', 'fd00::/8'] });
    using client = tcpClient(listener.port);
    client.socket.write(V1);
    await client.heard(`from 127.0.0.1\n${V1}`);
  });

  test('the header comes before TLS, and limits count the client, not the balancer', async () => {
    await using listener = await echoListener({
      ...{ proxySources: ['127.0.0.1'], tls },
      limits: { connectionsPerSource: 1 },
    });
    const open = (header: string) => {
      const socket = connect(listener.port, '127.0.0.1');
      socket.write(header);
      return tlsClient(listener.port, { socket, ca: authority.cert });
    };
    using first = open(V1);
    await first.heard('from 192.0.2.1\n');
    using second = open(V1);
    await second.gone();
    using other = open(V1.replace('192.0.2.1', '192.0.2.2'));
    await other.heard('from 192.0.2.2\n');
    expect(listener.arrivals.stats.overLimit).toEqual({ connectionsPerSource: 1 });
  });
});

describe('limits of a source', () => {
  test('who has too many open is closed, and let in when one has gone', async () => {
    await using listener = await echoListener({ limits: { connectionsPerSource: 2 } });
    using one = tcpClient(listener.port);
    using two = tcpClient(listener.port);
    await Promise.all([one.heard('from'), two.heard('from')]);
    using three = tcpClient(listener.port);
    await three.gone();
    expect(three.text).not.toContain('from');
    one.socket.destroy();
    await waitFor(async () => {
      using four = tcpClient(listener.port);
      await waitFor(() => four.ended || four.text.includes('from'));
      return four.text.includes('from');
    });
  });

  test('who connects too fast is told so where there are words for it', async () => {
    await using listener = await echoListener({
      limits: { connectsPerSecondPerSource: 1 },
      answer: 'later\n',
    });
    for (let i = 0; i < 5; i++) {
      using client = tcpClient(listener.port);
      await client.heard('from');
    }
    using refused = tcpClient(listener.port);
    refused.socket.write('what I wanted');
    await refused.gone();
    expect(refused.text).toBe('later\n');
    listener.pass(1_000);
    using next = tcpClient(listener.port);
    await next.heard('from');
    expect(listener.arrivals.stats.overLimit).toEqual({ connectsPerSecondPerSource: 1 });
  });
});

describe('handshakes', () => {
  test('one that does not end in time is closed, also when it goes on bit by bit', async () => {
    await using listener = await echoListener({ tls });
    using slow = tcpClient(listener.port);
    await waitFor(() => listener.arrivals.stats.shakingHands === 1);
    for (const byte of [0x16, 0x03, 0x01, 0x02]) {
      listener.pass(2_400);
      slow.socket.write(Buffer.from([byte]));
    }
    expect(slow.ended).toBe(false);
    listener.pass(400);
    await slow.gone();
    expect(listener.arrivals.stats).toMatchObject({ handshakesCutOff: 1, shakingHands: 0 });
  });

  test('5,000 half-open ones are bounded, and a client in earnest is served among them', async () => {
    await using listener = await echoListener({ tls, limits: { maxHandshakes: 500 } });
    const half: Hearing[] = [];
    for (let batch = 0; batch < 50; batch++) {
      for (let i = 0; i < 100; i++) half.push(tcpClient(listener.port));
      await waitFor(() => half.every(({ socket, ended }) => ended || !socket.connecting));
      expect(listener.arrivals.stats.shakingHands).toBeLessThanOrEqual(500);
    }
    using client = tlsClient(listener.port, { ca: authority.cert });
    await client.heard('from 127.0.0.1\n');
    await waitFor(() => listener.arrivals.stats.handshakesCutOff >= 4_500);
    for (const { socket } of half) socket.destroy();
    client.socket.write('still here');
    await client.heard('still here');
  });

  test('one that fails is counted', async () => {
    await using listener = await echoListener({ tls });
    using client = tcpClient(listener.port);
    client.socket.write('no TLS at all, but long enough for a record header\r\n');
    await client.gone();
    await waitFor(() => listener.arrivals.stats.handshakesFailed === 1);
  });

  test('closing ends those that shake hands, and lets nobody in', async () => {
    await using listener = await echoListener({ tls });
    using half = tcpClient(listener.port);
    using client = tlsClient(listener.port, { ca: authority.cert });
    await client.heard('from');
    await waitFor(() => listener.arrivals.stats.shakingHands === 1);
    listener.arrivals.close();
    await half.gone();
    using late = tcpClient(listener.port);
    await late.gone();
    expect(client.ended).toBe(false);
    client.socket.destroy();
  });
});
