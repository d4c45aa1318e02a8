import { once } from 'node:events';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { startNats, tempDir, testAuthority, type TestCertificate } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

const open = new AsyncDisposableStack();
let door: DoorUnderTest;
let ca: string;
let pump: TestCertificate;
let stranger: TestCertificate;

beforeAll(async () => {
  const nats = open.use(await startNats());
  const { path } = open.use(await tempDir());
  const authority = await testAuthority(path);
  const server = await authority.issue('server');
  pump = await authority.issue('pump');
  stranger = await (await testAuthority(path, 'another authority')).issue('pump');
  ca = authority.cert;
  door = open.use(
    await startDoor(nats.url, {
      auth: { required: true },
      tls: {
        ...{ cert: server.certFile, key: server.keyFile, clientCa: authority.certFile },
        clientCertificates: 'optional',
      },
    }),
  );
});
afterAll(() => open.disposeAsync());

const shown = (certificate?: TestCertificate) =>
  certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key };

async function overHttp1(
  path: string,
  certificate?: TestCertificate,
): Promise<[status: number, body: string]> {
  const asked = request({
    ...{ host: '127.0.0.1', port: door.tlsPort, path, ca, agent: false },
    ...shown(certificate),
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return [answer.statusCode!, await text(answer)];
}

async function overHttp2(
  path: string,
  certificate?: TestCertificate,
): Promise<[status: number, body: string]> {
  const session = connect(`https://127.0.0.1:${door.tlsPort}`, { ca, ...shown(certificate) });
  try {
    const stream = session.request({ ':path': path });
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    return [headers[':status'], await text(stream)];
  } finally {
    session.destroy();
  }
}

test.each([
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
])('%s: a caller is whom the certificate of its connection names', async (_version, ask) => {
  expect(await ask('/retainedMessage', pump)).toMatchObject([200, '{"retainedTopics":[],"nextToken":null}']);
  // A device may look at itself, and it is no device that anybody has heard of.
  expect(await ask('/v1/devices/pump', pump)).toMatchObject([404, expect.stringContaining('device.unknown')]);
  expect(await ask('/v1/devices/other', pump)).toMatchObject([403, expect.stringContaining('auth.denied')]);
  expect(await ask('/retainedMessage')).toMatchObject([401, expect.stringContaining('auth.required')]);
});

test('a certificate of another authority names nobody', async () => {
  const answer = await overHttp1('/retainedMessage', stranger).catch(() => undefined);
  expect(answer?.[0] ?? 'cut off').not.toBe(200);
});
