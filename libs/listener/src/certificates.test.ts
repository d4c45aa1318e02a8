import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  tempDir,
  testAuthority,
  waitFor,
  type TempDir,
  type TestAuthority,
  type TestCertificate,
} from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { echoListener, tlsClient, type EchoListener, type Hearing } from './echo-listener.fixture.ts';

let folder: TempDir;
let authority: TestAuthority;
let stranger: TestAuthority;
let own: TestCertificate;
let device: TestCertificate;
let revocationList: string;
let trusting: { ca: string };
let showing: { ca: string; cert: string; key: string };
beforeAll(async () => {
  folder = await tempDir();
  authority = await testAuthority(folder.path);
  stranger = await testAuthority(folder.path, 'a stranger');
  own = await authority.issue('door');
  device = await authority.issue('device-1');
  revocationList = join(folder.path, 'revoked.pem');
  trusting = { ca: authority.cert };
  showing = { ...trusting, cert: device.cert, key: device.key };
});
afterAll(() => folder.remove());
beforeEach(async () => writeFile(revocationList, await authority.revoke([])));

const pairOf = ({ certFile, keyFile }: TestCertificate) => ({ cert: certFile, key: keyFile });
const mutual = (clientCertificates: 'optional' | 'required') => ({
  tls: { ...pairOf(own), clientCa: authority.certFile, clientCertificates, revocationList },
});
/** Whether the client gets in, or is put out. */
async function served(client: Hearing): Promise<boolean> {
  using _ = client;
  await waitFor(() => client.ended || client.text.includes('from'));
  return client.text.includes('from');
}
const shownAt = async ({ port }: EchoListener, servername?: string): Promise<string> => {
  using client = tlsClient(port, {
    ...trusting,
    ...(servername && { servername }),
    checkServerIdentity: () => undefined,
  });
  await client.heard('from');
  return client.socket.getPeerCertificate().subject.CN as string;
};

describe('client certificates', () => {
  test.each([
    ['required', 'one of the authority', () => showing, true],
    ['required', 'none', () => trusting, false],
    ['optional', 'one of the authority', () => showing, true],
    ['optional', 'none', () => trusting, true],
  ] as const)('%s: a client with %s', async (wanted, _what, options, expected) => {
    await using listener = await echoListener(mutual(wanted));
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
      expect(await served(tlsClient(listener.port, { ...options(), maxVersion }))).toBe(expected);
    expect(listener.arrivals.stats.certificatesRefused).toBe(expected ? 0 : 2);
  });

  test.each(['optional', 'required'] as const)(
    '%s: a client with one of a stranger is put out',
    async (wanted) => {
      await using listener = await echoListener(mutual(wanted));
      const { cert, key } = await stranger.issue('device-1');
      expect(await served(tlsClient(listener.port, { ...trusting, cert, key }))).toBe(false);
      expect(listener.arrivals.stats.certificatesRefused).toBe(1);
    },
  );

  test('a revoked one is refused, and put out when its list comes while it is connected; others stay', async () => {
    await using listener = await echoListener(mutual('required'));
    using client = tlsClient(listener.port, showing);
    let session: Buffer | undefined;
    client.socket.on('session', (given: Buffer) => (session = given));
    const { cert, key } = await authority.issue('device-2');
    using other = tlsClient(listener.port, { ...trusting, cert, key });
    await Promise.all([client.heard('from'), other.heard('from')]);
    await writeFile(revocationList, await authority.revoke([device]));
    listener.pass(2_000);
    await client.gone();
    expect(await served(tlsClient(listener.port, showing))).toBe(false);
    if (session !== undefined)
      expect(await served(tlsClient(listener.port, { ...showing, session }))).toBe(false);
    other.socket.write('still here');
    await other.heard('still here');
    expect(listener.logged).toEqual(['new certificates are in use']);
  });

  test('a list that has run out lets nobody in, and the log says so', async () => {
    await writeFile(revocationList, await authority.revoke([], new Date(500_000)));
    await using listener = await echoListener(mutual('required'));
    expect(listener.logged).toEqual(['a revocation list has run out: no client certificate is accepted']);
    expect(await served(tlsClient(listener.port, showing))).toBe(false);
  });
});

describe('the door’s own', () => {
  test('the host that the client asks for decides, then the default', async () => {
    const [one, any] = [await authority.issue('one.example'), await authority.issue('any.example')];
    const hosts = {
      'One.example': `${one.certFile}:${one.keyFile}`,
      '*.example': `${any.certFile}:${any.keyFile}`,
    };
    await using listener = await echoListener({ tls: { ...pairOf(own), hosts } });
    expect(await shownAt(listener, 'one.example')).toBe('one.example');
    expect(await shownAt(listener, 'two.example')).toBe('any.example');
    expect(await shownAt(listener, 'a.two.example')).toBe('door');
    expect(await shownAt(listener)).toBe('door');
  });

  test('new files are used, broken ones are not; who is connected stays', async () => {
    const live = { certFile: join(folder.path, 'live.cert.pem'), keyFile: join(folder.path, 'live.key.pem') };
    const put = async (from: TestCertificate): Promise<void> => {
      await copyFile(from.certFile, live.certFile);
      await copyFile(from.keyFile, live.keyFile);
    };
    const host = await authority.issue('host.example');
    await put(own);
    const hosts = { 'host.example': `${host.certFile}:${host.keyFile}` };
    await using listener = await echoListener({ tls: { cert: live.certFile, key: live.keyFile, hosts } });
    using before = tlsClient(listener.port, trusting);
    await before.heard('from');
    await writeFile(live.certFile, 'no certificate');
    listener.pass(2_000);
    listener.pass(2_000);
    await rm(live.keyFile);
    listener.pass(2_000);
    expect(listener.logged).toEqual(Array(2).fill('new certificates cannot be used; the old ones stay'));
    expect(await shownAt(listener)).toBe('door');
    await put(await authority.issue('renewed'));
    listener.pass(2_000);
    expect(await shownAt(listener)).toBe('renewed');
    expect(await shownAt(listener, 'host.example')).toBe('host.example');
    before.socket.write('still here');
    await before.heard('still here');
  });

  test('versions before the least one are refused', async () => {
    await using usual = await echoListener({ tls: pairOf(own) });
    await using strict = await echoListener({ tls: { ...pairOf(own), minVersion: 1.3 } });
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    expect(await served(tlsClient(usual.port, { ...trusting, ...old }))).toBe(false);
    expect(await served(tlsClient(usual.port, { ...trusting, maxVersion: 'TLSv1.2' }))).toBe(true);
    expect(await served(tlsClient(strict.port, { ...trusting, maxVersion: 'TLSv1.2' }))).toBe(false);
    expect(await served(tlsClient(strict.port, trusting))).toBe(true);
  });

  test('a client that offers only other protocols is refused in the handshake [RFC7301-3.2]', async () => {
    await using listener = await echoListener({ tls: pairOf(own), alpn: ['mqtt'] });
    expect(await served(tlsClient(listener.port, { ...trusting, ALPNProtocols: ['h2', 'mqtt'] }))).toBe(true);
    expect(await served(tlsClient(listener.port, trusting))).toBe(true);
    const other = tlsClient(listener.port, { ...trusting, ALPNProtocols: ['http/1.1'] });
    expect(await served(other)).toBe(false);
    expect(other.text).toMatch(/NO_APPLICATION_PROTOCOL/);
  });
});
