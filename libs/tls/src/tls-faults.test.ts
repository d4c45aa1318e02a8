import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { readConfig, serviceSchema, type ConfigError } from '@trivium/service';
import {
  tempDir,
  testAuthority,
  type TempDir,
  type TestAuthority,
  type TestCertificate,
} from '@trivium/testing';
import { Type } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doorTlsSettings, tlsSection } from './config.ts';
import { openDoorTls } from './door-tls.ts';
import { tlsFaults } from './tls-faults.ts';

let folder: TempDir;
let authority: TestAuthority;
let own: TestCertificate;
let other: TestCertificate;
beforeAll(async () => {
  folder = await tempDir();
  authority = await testAuthority(folder.path);
  [own, other] = [await authority.issue('own'), await authority.issue('other')];
  await writeFile(join(folder.path, 'text.pem'), 'no PEM');
  await writeFile(join(folder.path, 'revoked.pem'), await authority.revoke([]));
});
afterAll(() => folder.remove());

const schema = serviceSchema(9101, {
  mqtt: Type.Object(doorTlsSettings(8883, 'MQTT over TLS')),
  tls: tlsSection,
});

/** Settings by the end of their variable, with the names of files instead of their paths. */
function read(settings: Record<string, string>) {
  const env = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `TRIVIUM_${name}`,
      value.replaceAll(/[\w-]+(\.cert|\.key)?\.pem/g, (file) => join(folder.path, file)),
    ]),
  );
  return readConfig({
    ...{ service: 'mqtt-ingress', schema, env },
    check: ({ mqtt, tls }) => tlsFaults({ section: 'mqtt', door: mqtt, tls }),
  });
}

function faults(settings: Record<string, string>): string[] {
  try {
    read(settings);
    return [];
  } catch (error) {
    return (error as ConfigError).issues.map(({ source, setting, message }) =>
      `${source} ${setting} ${message}`.replaceAll(`${folder.path}/`, ''),
    );
  }
}

const OWN = { TLS_CERT: 'own.cert.pem', TLS_KEY: 'own.key.pem' };
const MUTUAL = {
  ...OWN,
  TLS_CLIENT_CERTIFICATES: 'required',
  TLS_CLIENT_CA: 'trivium-test-authority.cert.pem',
};

test.each([
  {},
  OWN,
  { MQTT_TLS_CERT: 'own.cert.pem', MQTT_TLS_KEY: 'own.key.pem' },
  { ...OWN, TLS_HOSTS: '{"a.example":"other.cert.pem:other.key.pem"}', TLS_MIN_VERSION: '1.3' },
  { ...MUTUAL, TLS_REVOCATION_LIST: 'revoked.pem' },
])('can be used: %j', (settings) => {
  expect(faults(settings)).toEqual([]);
});

test.each([
  [
    { TLS_CERT: 'own.cert.pem' },
    ['TRIVIUM_TLS_KEY tls.key is not set, and tls.cert is; set both or neither'],
  ],
  [
    { MQTT_TLS_KEY: 'own.key.pem' },
    ['TRIVIUM_MQTT_TLS_CERT mqtt.tlsCert is not set, and mqtt.tlsKey is; set both or neither'],
  ],
  [
    { ...OWN, TLS_KEY: 'other.key.pem' },
    ['TRIVIUM_TLS_KEY tls.key cannot be used: the key is not that of the certificate'],
  ],
  [
    { TLS_CERT: 'none.pem', TLS_KEY: 'none-either.pem' },
    [
      expect.stringMatching(/^TRIVIUM_TLS_CERT .*ENOENT.*none\.pem/),
      expect.stringMatching(/^TRIVIUM_TLS_KEY .*ENOENT/),
    ],
  ],
  [{ ...OWN, TLS_CERT: 'text.pem' }, [expect.stringMatching(/^TRIVIUM_TLS_CERT tls\.cert cannot be used: /)]],
  [
    { ...OWN, TLS_HOSTS: '{"a.example":"other.cert.pem"}' },
    [expect.stringMatching(/^TRIVIUM_TLS_HOSTS tls\.hosts\.a\.example expected two files/)],
  ],
  [
    { ...OWN, TLS_HOSTS: '{"a.example":"other.cert.pem:own.key.pem"}' },
    ['TRIVIUM_TLS_HOSTS tls.hosts.a.example cannot be used: the key is not that of the certificate'],
  ],
  [
    { TLS_HOSTS: '{"a.example":"other.cert.pem:other.key.pem"}' },
    [expect.stringMatching(/^TRIVIUM_TLS_CERT tls\.cert is not set, and tls\.hosts is/)],
  ],
  [
    { ...OWN, TLS_CLIENT_CERTIFICATES: 'optional' },
    ['TRIVIUM_TLS_CLIENT_CA tls.clientCa is not set, and tls.clientCertificates is optional'],
  ],
  [
    { ...MUTUAL, TLS_CLIENT_CERTIFICATES: 'off' },
    [expect.stringMatching(/^TRIVIUM_TLS_CLIENT_CA .*clientCertificates is off/)],
  ],
  [
    { ...MUTUAL, TLS_CLIENT_CA: 'text.pem', TLS_REVOCATION_LIST: 'own.cert.pem', TLS_KEY: 'other.key.pem' },
    [
      expect.stringMatching(/^TRIVIUM_TLS_KEY /),
      expect.stringMatching(/^TRIVIUM_TLS_CLIENT_CA /),
      'TRIVIUM_TLS_REVOCATION_LIST tls.revocationList cannot be used: there is no X509 CRL in it',
    ],
  ],
  [
    { ...OWN, TLS_MIN_VERSION: '1.1' },
    ['TRIVIUM_TLS_MIN_VERSION tls.minVersion expected one of 1.2, 1.3, got "1.1"'],
  ],
])('every fault is told by its setting: %j', (settings, expected) => {
  expect(faults(settings)).toEqual(expected);
});

test('a certificate of the door itself goes before that of all doors', () => {
  const { mqtt: door, tls } = read({
    ...OWN,
    MQTT_TLS_CERT: 'other.cert.pem',
    MQTT_TLS_KEY: 'other.key.pem',
  });
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  expect(openDoorTls({ door, tls, logger, nowMs: 0 })!.options.cert).toBe(other.cert);
  expect(openDoorTls({ door: { tlsPort: 0 }, tls, logger, nowMs: 0 })!.options.cert).toBe(own.cert);
  expect(openDoorTls({ door: { tlsPort: 0 }, tls: read({}).tls, logger, nowMs: 0 })).toBeUndefined();
});

test('what Node takes for authorized, a resumed session of TLS 1.3, needs a certificate all the same', () => {
  const { mqtt: door, tls } = read(MUTUAL);
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const resumed = { authorized: true, getPeerX509Certificate: () => undefined } as TLSSocket;
  expect(openDoorTls({ door, tls, logger, nowMs: 0 })!.admit(resumed)).toBe(
    'a client certificate is required',
  );
});
