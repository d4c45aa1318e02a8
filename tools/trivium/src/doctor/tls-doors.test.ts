import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  freePort,
  repoRoot,
  startDoorProcess,
  startProcess,
  tempDir,
  type DoorProcess,
  type TempDir,
} from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Called } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';
import { findingsOf, type Client, type TlsDoor } from './checks/tls-doors.ts';
import type { Finding } from './finding.ts';
import type { TlsHandshake } from './tls-look.ts';

let hub: HubUnderTest;
let dir: TempDir;
/** Its data directory has the `hub.json` of four doors. */
let data = '';
const doors: Partial<
  Record<'mqtt-ingress' | 'mqtt-ingress-aedes' | 'ws-ingress' | 'http-ingress', DoorProcess>
> = {};
const SCHEMES = {
  'mqtt-ingress': 'mqtt',
  'mqtt-ingress-aedes': 'mqtt',
  'ws-ingress': 'ws',
  'http-ingress': 'http',
} as const;
const NAMES = Object.keys(SCHEMES) as (keyof typeof SCHEMES)[];

const path = (file: string): string => join(dir.path, 'certs', file);
const ca = (): string => path('ca.cert.pem');
const certOf = (name: string): string[] => [
  '--cert',
  path(`${name}.cert.pem`),
  '--key',
  path(`${name}.key.pem`),
];
const secured = (server = 'hub.local'): Record<string, string> => ({
  TRIVIUM_TLS_CERT: path(`servers/${server}.cert.pem`),
  TRIVIUM_TLS_KEY: path(`servers/${server}.key.pem`),
});

beforeAll(async () => {
  [hub, dir] = await Promise.all([startHub(), tempDir()]);
  for (const words of [
    ['ca'],
    ['server', '--name', 'hub.local', '--name', '127.0.0.1'],
    ['server', '--name', 'soon.local', '--days', '10'],
    ['device', 'pump-7'],
  ])
    expect(await call(['certs', ...words, '--out', join(dir.path, 'certs')])).toMatchObject({ code: 0 });
  await call(['certs', 'ca', '--out', path('other')]);
  await call(['certs', 'device', 'stranger', '--out', path('other')]);
  for (const name of NAMES)
    doors[name] = await startDoorProcess(SCHEMES[name], hub.natsUrl, {
      ...secured(),
      ...(name === 'mqtt-ingress-aedes' ? { TRIVIUM_MQTT_ENGINE: 'aedes' } : {}),
    });
  data = join(dir.path, 'data');
  mkdirSync(data);
  const processes = NAMES.map((name) => ({
    name,
    address: `${SCHEMES[name]}://127.0.0.1:${doors[name]!.port}`,
    tlsAddress: `${SCHEMES[name]}s://127.0.0.1:${doors[name]!.tlsPort}`,
  }));
  writeFileSync(
    join(data, 'hub.json'),
    JSON.stringify({ launcher: { pid: 1 }, nats: hub.natsUrl, processes }),
  );
}, 240_000);
afterAll(async () => {
  for (const door of Object.values(doors)) await door.kill();
  await hub[Symbol.asyncDispose]();
  await dir.remove();
});

/** What is said of TLS: level, about, text. */
async function examine(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const around = { TRIVIUM_DATA_DIR: data, ...env };
  const { out } = await call(['doctor', '--json', ...words], { bus: hub.bus, env: around });
  return tlsLines(out);
}

function tlsLines(json: string): string[] {
  const { findings } = JSON.parse(json) as { findings: Finding[] };
  const about = (finding: Finding): boolean =>
    NAMES.some((name) => name === finding.about) || finding.about.includes('127.0.0.1');
  return findings
    .filter((finding) => about(finding) && !finding.text.startsWith('takes connections'))
    .map(({ level, about, text }) => `${level} ${about}: ${text}`);
}

const has = (text: string): unknown => expect.stringContaining(text);
/** Looked for in a directory where no hub runs. */
const alone = { TRIVIUM_DATA_DIR: '/nowhere' };

describe('the doors of a hub', () => {
  test('the real command finds each well by the authority that is given', async () => {
    const command = await startProcess({
      ...{ command: 'npx', args: ['trivium', 'doctor', '--json', '--cafile', ca()], cwd: repoRoot() },
      env: { TRIVIUM_NATS_URL: hub.natsUrl, TRIVIUM_DATA_DIR: data },
    });
    await command.exited;
    const at = (name: keyof typeof SCHEMES): string =>
      `${SCHEMES[name]}s://127.0.0.1:${doors[name]!.tlsPort}`;
    expect(tlsLines(command.stdout())).toEqual(
      NAMES.map(
        (name) =>
          `ok ${name}: speaks TLSv1.3 at ${at(name)}; its certificate is for 127.0.0.1, valid for 824 more days, and of an authority that ${ca()} has`,
      ),
    );
  }, 120_000);

  test('who signed is a warning where nobody said who it is, and a failure where it is another one', async () => {
    const unknown = await examine([]);
    expect(unknown).toEqual(
      NAMES.flatMap((name) => [
        has(`ok ${name}: speaks TLSv1.3`),
        has(
          `warn ${name}: this machine does not trust who signed its certificate (CN=Trivium development CA)`,
        ),
      ]),
    );
    const other = await examine(['--cafile', path('other/ca.cert.pem')]);
    for (const name of NAMES)
      expect(other).toContainEqual(has(`fail ${name}: its certificate was not signed by an authority in`));
  });

  test('each name is looked at as who connects by it', async () => {
    const lines = await examine(['--cafile', ca(), '--name', 'hub.local', '--name', 'other.local']);
    for (const name of NAMES) {
      expect(lines).toContainEqual(has('its certificate is for hub.local'));
      expect(lines).toContainEqual(
        has(`fail ${name}: its certificate is not for other.local, but for hub.local, 127.0.0.1`),
      );
    }
  });

  test('plain text on a port that is taken for one with TLS is called so', async () => {
    for (const name of NAMES) {
      const address = `127.0.0.1:${doors[name]!.port}`;
      expect(await examine(['--door', `${SCHEMES[name]}s://${address}`], alone)).toEqual([
        has(`fail ${address}: answers in plain text`),
      ]);
    }
  });

  test('pub and sub go to the door over TLS, and say what it takes when it is not trusted', async () => {
    const env = { TRIVIUM_DATA_DIR: data };
    const url = ['--url', `https://127.0.0.1:${doors['http-ingress']!.tlsPort}`];
    expect(await call(['pub', 'tls/a', '-m', 'x', ...url], { env })).toMatchObject({
      ...{ code: 1, err: has('--cafile <pem> says who signed its certificate') },
    });
    const trusting = ['--cafile', ca()];
    const sent = { code: 0, out: 'tls/a: stored\n', err: '' };
    for (const text of ['0', '1'])
      expect(await call(['pub', 'tls/a', '-m', text, ...trusting, ...url], { env })).toEqual(sent);
    // Without an address: that of the hub here.
    expect(await call(['pub', 'tls/a', '-m', '2', ...trusting], { env })).toEqual(sent);
    const read = ['sub', 'tls/a', '--from', '1', '--count', '2', '--timeout', '60s', ...trusting];
    expect(await call(read, { env })).toMatchObject({ code: 0, out: '1\n2\n' } satisfies Partial<Called>);
  }, 120_000);
});

test('a door that wants client certificates', async () => {
  await using door = await startDoorProcess('mqtt', hub.natsUrl, {
    ...secured('soon.local'),
    ...{ TRIVIUM_TLS_CLIENT_CERTIFICATES: 'required', TRIVIUM_TLS_CLIENT_CA: ca() },
  });
  const words = ['--door', `mqtts://127.0.0.1:${door.tlsPort}`, '--name', 'soon.local', '--cafile', ca()];
  const soon = has('its certificate (CN=soon.local) expires in 9 days');
  const well = [has('ok 127.0.0.1'), soon];
  expect(await examine([...words, ...certOf('devices/pump-7')], alone)).toEqual(well);
  expect(await examine([...words, ...certOf('other/devices/stranger')], alone)).toEqual([
    ...well,
    has('it does not take the client certificate in'),
  ]);
  expect(await examine(words, alone)).toEqual([...well, has('ends the connection after the handshake')]);
  const required = { ...alone, TRIVIUM_TLS_CLIENT_CERTIFICATES: 'required', TRIVIUM_TLS_CLIENT_CA: ca() };
  expect(await examine(words, required)).toEqual([...well, has('skip 127.0.0.1')]);
  await door.kill();
}, 120_000);

describe('what is no door', () => {
  test('nobody there', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    expect(await examine(['--door', `mqtts://${address}`], alone)).toEqual([
      has(`fail ${address}: nothing takes connections at mqtts://${address}`),
    ]);
  });

  test('somebody who hangs up', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await examine(['--door', `https://${address}`], alone)).toEqual([
      has(`fail ${address}: the TLS handshake fails at https://${address}`),
    ]);
    server.close();
  });

  test.each([
    [['--door', 'http://h'], '--door'],
    [['--door', 'h'], '--door'],
    [['--name', 'a b'], '--name'],
    [['--cert', 'c'], '--key'],
  ])('%j is wrong', async (words, text) => {
    expect(await call(['doctor', ...words])).toMatchObject({ code: 78, err: has(text) });
  });
});

test('files that are none are told of before anything is looked at', async () => {
  const none = join(dir.path, 'none.pem');
  writeFileSync(none, 'nothing');
  const key = path('devices/pump-7.key.pem');
  for (const command of [['doctor'], ['pub', 'a', '-m', 'x'], ['sub', 'a']]) {
    expect(await call([...command, '--cafile', none])).toMatchObject({
      ...{ code: 1, err: has('trivium: --cafile cannot be used') },
    });
    expect(await call([...command, '--cert', none, '--key', key])).toMatchObject({
      ...{ code: 1, err: has('trivium: --cert and --key cannot be used') },
    });
  }
});

describe('certificates', () => {
  const door: TlsDoor = { about: 'd', url: new URL('mqtts://10.0.0.1'), name: undefined };
  const client: Client = { tls: {}, caFile: 'ca.pem', certFile: undefined, mustShow: false };
  const look = (of: Partial<TlsHandshake> = {}): TlsHandshake => ({
    ...{ end: 'handshake', version: 'TLSv1.2', distrust: undefined, answer: 'given' },
    certificate: new X509Certificate(readFileSync(path('servers/hub.local.cert.pem'))),
    ...of,
  });
  const troubles = (of: Partial<TlsHandshake>, days = 0, name: string | undefined = 'hub.local'): string[] =>
    findingsOf({ ...door, name }, client, look(of), Date.now() + days * 86_400_000)
      .slice(1)
      .map(({ level, text }) => `${level} ${text}`);

  test('everything that is wrong is told at once', () => {
    expect(troubles({ distrust: 'SELF_SIGNED_CERT_IN_CHAIN', answer: 'none' }, 900, 'a.local')).toEqual([
      has('fail its certificate is not for a.local'),
      has('fail its certificate (CN=hub.local) has expired on '),
      has('fail its certificate was not signed by an authority in ca.pem, but by CN=Trivium development CA'),
      has('fail says nothing'),
    ]);
  });

  test('one that has expired is told of once, and one above it as such', () => {
    expect(troubles({ distrust: 'CERT_HAS_EXPIRED' }, 900)).toEqual([has('(CN=hub.local) has expired')]);
    expect(troubles({ distrust: 'CERT_NOT_YET_VALID' }, -10)).toEqual([has('is not valid yet')]);
    expect(troubles({ distrust: 'CERT_HAS_EXPIRED' })).toEqual([has('a certificate above its own')]);
    expect(troubles({ distrust: 'INVALID_PURPOSE' })).toEqual([has('not accepted: INVALID_PURPOSE')]);
    expect(troubles({}, 800)).toEqual([has('warn its certificate (CN=hub.local) expires in 24 days')]);
  });

  test('an address by which nobody said to connect is a warning', () => {
    const [, finding] = findingsOf(door, client, look(), Date.now());
    expect(finding).toMatchObject({ level: 'warn', text: has('not for 10.0.0.1, but for hub.local') });
  });

  test('a common name is no name', () => {
    const device = new X509Certificate(readFileSync(path('devices/pump-7.cert.pem')));
    expect(troubles({ certificate: device }, 0, 'pump-7')[0]).toContain(
      'fail its certificate is not for pump-7',
    );
  });
});
