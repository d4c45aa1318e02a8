import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { tempDir, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';

let dir: TempDir;
let out = '';
beforeAll(async () => {
  dir = await tempDir();
  out = join(dir.path, 'certs');
  for (const words of [
    ['ca'],
    ['server', '--name', 'hub.local', '--name', '127.0.0.1', '--name', 'localhost'],
    ['device', 'pump/7 ü'],
    ['device', 'pump-8'],
  ])
    expect(await certs(...words)).toMatchObject({ code: 0, err: '' });
});
afterAll(() => dir.remove());

const certs = (...words: string[]) => call(['certs', ...words, '--out', out]);
const path = (name: string): string => join(out, name);
const read = (name: string): string => readFileSync(path(name), 'utf8');

const PUMP_7 = 'devices/pump%2F7%20%C3%BC';
const PUMP_8 = 'devices/pump-8';

/** The common name that a server with mTLS saw, or the reason why it refused. */
async function handshake(device: string): Promise<string> {
  const server = createServer({
    ...{ cert: read('servers/hub.local.cert.pem'), key: read('servers/hub.local.key.pem') },
    ...{
      ca: read('ca.cert.pem'),
      requestCert: true,
      rejectUnauthorized: false,
      crl: read('revoked.crl.pem'),
    },
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const seen = new Promise<string>((resolve) => {
    server.once('secureConnection', (socket: TLSSocket) => {
      const refused = socket.authorizationError as unknown as string | null;
      resolve(refused ?? String(socket.getPeerCertificate().subject.CN));
      socket.end();
    });
    server.once('tlsClientError', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const socket = connect({
    ...{ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ca: read('ca.cert.pem') },
    ...{ cert: read(`${device}.cert.pem`), key: read(`${device}.key.pem`) },
  });
  socket.on('error', () => undefined).resume();
  try {
    return await seen;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('a development authority', () => {
  test('its certificates carry a handshake in which both sides prove who they are', async () => {
    expect(await handshake(PUMP_7)).toBe('pump/7 ü');
    expect(await handshake(PUMP_8)).toBe('pump-8');
  });

  test('openssl takes what it issued, for what it was issued', () => {
    const verified = (purpose: string, file: string): string =>
      execFileSync(
        'openssl',
        ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', path('ca.cert.pem'), file],
        {
          encoding: 'utf8',
        },
      );
    expect(verified('sslserver', path('servers/hub.local.cert.pem'))).toContain('OK');
    expect(verified('sslclient', path(`${PUMP_7}.cert.pem`))).toContain('OK');
    expect(() => verified('sslserver', path(`${PUMP_8}.cert.pem`))).toThrow('purpose');
    const list = execFileSync('openssl', [
      ...['crl', '-in', path('revoked.crl.pem'), '-CAfile', path('ca.cert.pem'), '-noout'],
    ]);
    expect(list.toString()).toBe('');
  });

  test('keys are for their owner only', () => {
    for (const key of ['ca.key.pem', 'servers/hub.local.key.pem', `${PUMP_8}.key.pem`])
      expect(statSync(path(key)).mode & 0o777).toBe(0o600);
  });

  test('nothing is overwritten unless it is asked for', async () => {
    const before = read('ca.key.pem');
    expect(await certs('ca')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--force') });
    expect(read('ca.key.pem')).toBe(before);
    const device = read(`${PUMP_8}.cert.pem`);
    expect(await certs('device', 'pump-8')).toMatchObject({ code: 1 });
    expect(read(`${PUMP_8}.cert.pem`)).toBe(device);
    expect(await certs('device', 'pump-8', '--force')).toMatchObject({ code: 0 });
    expect(read(`${PUMP_8}.cert.pem`)).not.toBe(device);
    expect(await handshake(PUMP_8)).toBe('pump-8');
  });

  test('says what doors are to be told', async () => {
    const made = await certs('server', '--name', 'other.local');
    expect(made.out).toContain(`TRIVIUM_TLS_CERT=${path('servers/other.local.cert.pem')}`);
    expect(made.out).toContain(`TRIVIUM_TLS_KEY=${path('servers/other.local.key.pem')}`);
    const json = await certs('server', '--name', 'json.local', '--json');
    expect(JSON.parse(json.out)).toEqual({
      cert: path('servers/json.local.cert.pem'),
      key: path('servers/json.local.key.pem'),
      ca: path('ca.cert.pem'),
    });
  });

  test('what it revokes is refused from then on, one after the other, once each', async () => {
    await certs('device', 'lost');
    await certs('device', 'stolen');
    expect(await handshake('devices/lost')).toBe('lost');
    expect((await certs('revoke', path('devices/lost.cert.pem'))).code).toBe(0);
    expect(await handshake('devices/lost')).toBe('CERT_REVOKED');
    expect(await handshake('devices/stolen')).toBe('stolen');
    const both = [path('devices/stolen.cert.pem'), path('devices/lost.cert.pem')];
    expect(JSON.parse((await certs('revoke', ...both, '--json')).out)).toMatchObject({ revoked: 2 });
    expect(await handshake('devices/lost')).toBe('CERT_REVOKED');
    expect(await handshake('devices/stolen')).toBe('CERT_REVOKED');
    expect(await handshake(PUMP_7)).toBe('pump/7 ü');
  });

  test('it does not revoke what another authority issued', async () => {
    const other = join(dir.path, 'other');
    await call(['certs', 'ca', '--out', other]);
    const before = read('revoked.crl.pem');
    const foreign = await call(['certs', 'revoke', path(`${PUMP_7}.cert.pem`), '--out', other]);
    expect(foreign).toMatchObject({ code: 1, err: expect.stringContaining('did not sign') });
    expect(read('revoked.crl.pem')).toBe(before);
  });
});

describe('show', () => {
  test('certificates, lists and keys, of which nothing is told', async () => {
    const files = ['servers/hub.local.cert.pem', 'revoked.crl.pem', 'ca.key.pem'].map(path);
    const { out: json } = await call(['certs', 'show', ...files, '--json']);
    expect(JSON.parse(json)).toEqual({
      shown: [
        expect.objectContaining({
          kind: 'certificate',
          subject: 'CN=hub.local',
          issuer: 'CN=Trivium development CA',
          names: ['DNS:hub.local', 'IP Address:127.0.0.1', 'DNS:localhost'],
          authority: false,
          daysLeft: 824,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        }),
        expect.objectContaining({ kind: 'revocation list', revoked: expect.any(Array) as string[] }),
        { file: path('ca.key.pem'), kind: 'private key' },
      ],
    });
    const { out: text } = await call(['certs', 'show', ...files]);
    expect(text).toContain('subject   CN=hub.local');
    for (const line of read('ca.key.pem')
      .split('\n')
      .filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line)))
      expect(text + json).not.toContain(line);
  });
});

describe('what cannot be', () => {
  test.each([
    [['server'], 78, '--name'],
    [['server', '--name', 'a b'], 78, 'no host name'],
    [['device'], 78, 'missing'],
    [['device', 'x'.repeat(65)], 78, '64'],
    [['device', 'anonymous'], 78, 'anonymous'],
    [['device', 'y', '--days', '0'], 1, '--days'],
    [['revoke', 'none.pem'], 1, 'none.pem'],
  ])('%j ends with %i', async (words, code, text) => {
    expect(await certs(...words)).toMatchObject({ code, err: expect.stringContaining(text) as string });
  });

  test('without an authority nothing is issued', async () => {
    const empty = join(dir.path, 'empty');
    const { code, err } = await call(['certs', 'device', 'a', '--out', empty]);
    expect([code, err]).toEqual([1, expect.stringContaining('ca.cert.pem')]);
    expect(existsSync(empty)).toBe(false);
  });

  test('a file without a certificate is told by its name', async () => {
    const file = join(dir.path, 'text.pem');
    writeFileSync(file, 'nothing');
    expect(await call(['certs', 'show', file])).toMatchObject({
      code: 1,
      err: expect.stringContaining(file) as string,
    });
    expect(await certs('revoke', file)).toMatchObject({
      code: 1,
      err: expect.stringContaining(file) as string,
    });
  });
});
