import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  contractKey,
  credentialKey,
  doorLeaseKey,
  encodeJson,
  DoorLease,
  partitionLeaseKey,
  PartitionLease,
  PARTITIONS,
  policyKey,
  SessionRecord,
  sessionKey,
} from '@trivium/contracts';
import { createApiKey } from '@trivium/identity';
import { freePort, repoRoot, startProcess, tempDir, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';
import { checkCertificates } from './checks/certificates.ts';
import { hubSettings } from '../hub-settings.ts';
import type { Finding } from './finding.ts';

let hub: HubUnderTest;
let dir: TempDir;
beforeAll(async () => {
  hub = await startHub();
  dir = await tempDir();
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await dir.remove();
});
beforeEach(async () => {
  for (const name of ['devices', 'policies', 'contracts', 'sessions', 'leases'] as const)
    for (const { key } of await hub.bus.bucket(name).entries()) await hub.bus.bucket(name).delete(key);
  await alive();
});

/** A door, and a router that holds all partitions. */
async function alive(): Promise<void> {
  const leases = hub.bus.bucket('leases');
  const door: DoorLease = { v: 1, incarnation: 'd', service: 'mqtt-ingress', startedAt: 1 };
  await leases.put(doorLeaseKey('d'), encodeJson(DoorLease, door));
  const held = encodeJson(PartitionLease, { v: 1, owner: 'r' });
  for (let n = 0; n < PARTITIONS; n++) await leases.put(partitionLeaseKey(n), held);
}

interface Examined {
  readonly code: number;
  readonly findings: readonly Finding[];
  /** `fail about: text`. */
  readonly troubles: readonly string[];
}

async function examine(env: NodeJS.ProcessEnv = {}, words: readonly string[] = []): Promise<Examined> {
  const around = { TRIVIUM_DATA_DIR: dir.path, ...env };
  const { code, out } = await call(['doctor', '--json', ...words], { bus: hub.bus, env: around });
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] };
  expect(ok).toBe(code === 0);
  const troubles = findings
    .filter(({ level }) => level !== 'ok' && level !== 'skip')
    .map(({ level, about, text }) => `${level} ${about}: ${text}`);
  return { code, findings, troubles };
}

/** The one trouble there is. */
const onlyTrouble = (text: string): { troubles: unknown[] } => ({
  troubles: [expect.stringContaining(text)],
});

test('a hub that is well is called so', async () => {
  const { code, troubles, findings } = await examine();
  expect([code, troubles]).toEqual([0, []]);
  const abouts = findings.map(({ about }) => about);
  for (const about of [
    'settings',
    'nats',
    'clock',
    'storage',
    'streams',
    'retention',
    'subjects',
    'sessions',
    'leases',
    'identity',
    'contracts',
    'shares',
  ])
    expect(abouts).toContain(about);
});

test('people are told what to do, and how much is well', async () => {
  await hub.bus.bucket('leases').delete(doorLeaseKey('d'));
  const { code, out } = await call(['doctor', '--quiet'], {
    bus: hub.bus,
    env: { TRIVIUM_DATA_DIR: dir.path },
  });
  expect(code).toBe(1);
  expect(out).toContain('fail  leases  no door is alive');
  expect(out).toMatch(/\n +→ start one/);
  expect(out).toMatch(/\n\d+ ok, 0 warnings, 1 failures, 1 not looked at\n$/);
});

describe('what is kept in the hub', () => {
  test('leases', async () => {
    await hub.bus.bucket('leases').delete(partitionLeaseKey(3));
    expect(await examine()).toMatchObject({ code: 0, ...onlyTrouble('warn leases: routers hold 31 of 32') });
  });

  test('doors that do not ask for credentials, whatever the settings here say', async () => {
    const door = async (incarnation: string, authRequired: boolean): Promise<void> => {
      const lease: DoorLease = { v: 1, incarnation, service: 'mqtt-ingress', startedAt: 1, authRequired };
      await hub.bus.bucket('leases').put(doorLeaseKey(incarnation), encodeJson(DoorLease, lease));
    };
    const texts = async (): Promise<string[]> => (await examine()).findings.map(({ text }) => text);
    await door('a', true);
    expect(await texts()).toContain('all doors alive ask for credentials');
    await door('b', false);
    const mixed = 'warn leases: anonymous clients get in at 1 of 2 doors';
    expect(await examine()).toMatchObject({ code: 0, ...onlyTrouble(mixed) });
    await door('a', false);
    expect(await texts()).toContain('anonymous clients get in at 2 of 2 doors (auth.required is off there)');
    for (const { key } of await hub.bus.bucket('leases').entries('partition.*'))
      await hub.bus.bucket('leases').delete(key);
    expect(await examine()).toMatchObject({ code: 1, ...onlyTrouble('fail leases: no router is alive') });
  });

  test('policies for groups that nobody is of, until somebody is', async () => {
    const file = join(dir.path, 'policy.yaml');
    writeFileSync(
      file,
      '{ name: p, groups: [pumps, devices], statements: [{ effect: allow, actions: [publish], topics: ["a"] }] }',
    );
    await hub.done(`policies add ${file}`);
    expect(await examine()).toMatchObject({
      code: 0,
      ...onlyTrouble('warn policies: p is for pumps, of which nobody is'),
    });
    expect(await examine({ TRIVIUM_AUTH_JWT_KEYS: 'keys.json' })).toMatchObject({ troubles: [] });
    await hub.done('devices create pump --groups pumps');
    expect(await examine()).toMatchObject({ troubles: [] });
  });

  test('credentials that nothing allows anything, and keys that have expired', async () => {
    await hub.done('devices create lonely --groups ghosts');
    const { record } = await createApiKey(
      hub.bus,
      { name: 'old', expiresAt: 1 },
      { principal: 'x', service: 'test' },
    );
    expect((await examine()).troubles).toEqual([
      'warn credentials: nothing is allowed to lonely (ghosts)',
      `warn keys: expired: ${record.id} of old`,
    ]);
  });

  test('nobody to administer, where everybody has to sign in', async () => {
    const required = { TRIVIUM_AUTH_REQUIRED: 'true' };
    expect(await examine(required)).toMatchObject({
      code: 0,
      ...onlyTrouble('nobody is of the group administrators'),
    });
    await hub.done('keys create admin --groups administrators');
    expect(await examine(required)).toMatchObject({ troubles: [] });
  });

  test('records that cannot be read, and contracts that cannot be used', async () => {
    await hub.bus.bucket('policies').put(policyKey('p'), Buffer.from('{}'));
    await hub.bus.bucket('devices').put(credentialKey('c'), Buffer.from('{}'));
    await hub.bus
      .bucket('contracts')
      .put(contractKey('k'), Buffer.from('{"v":1,"name":"k","filter":"a/#/b"}'));
    const { code, troubles } = await examine();
    expect(code).toBe(1);
    expect(troubles).toEqual([
      expect.stringContaining('fail credentials: 1 stored'),
      expect.stringContaining('fail policies: 1 stored'),
      expect.stringContaining('fail contracts: k:'),
    ]);
  });

  test('consumers of shares without members', async () => {
    await hub.bus.shared.create('share-orphan', ['tv1.m.1.*.a'], 0);
    expect(await examine()).toMatchObject({ code: 0, ...onlyTrouble('have no members: share-orphan') });
    await hub.bus.shared.remove('share-orphan');
  });

  test('sessions whose queue begins before the first message that is kept', async () => {
    for (const n of ['1', '2', '3']) await hub.bus.publisher.store('tv1.m.1.c.a', Buffer.from(n));
    await hub.bus.erase('MESSAGES', 1);
    await hub.bus.erase('MESSAGES', 2);
    const session: SessionRecord = {
      ...{
        v: 1,
        epoch: 1,
        connectedAt: 1,
        principal: 'p',
        clean: false,
        pos: 1,
        open: [],
        exactlyOnce: false,
      },
      subscriptions: [{ filter: '#', qos: 1, from: 1 }],
    };
    const put = (client: string, of: Partial<SessionRecord>): Promise<unknown> =>
      hub.bus.bucket('sessions').put(sessionKey(client), encodeJson(SessionRecord, { ...session, ...of }));
    await put('recent', { pos: 2 });
    await put('live only', { subscriptions: [{ filter: '#', qos: 0, from: 1 }] });
    expect(await examine()).toMatchObject({ troubles: [] });
    await put('a/late', {});
    expect(await examine()).toMatchObject({
      code: 0,
      ...onlyTrouble(
        '1 clients were away for longer than messages are kept, and may have missed some: a/late',
      ),
    });
  });

  test('dead letters', async () => {
    const { pos } = await hub.bus.publisher.store('tv1.l.contract.x', Buffer.from('x'));
    expect(await examine()).toMatchObject({ code: 0, ...onlyTrouble('warn dead letters: 1 messages') });
    await hub.bus.erase('DEADLETTER', pos);
  });
});

describe('settings', () => {
  test('anonymous clients from beyond this machine', async () => {
    const open = { TRIVIUM_MQTT_HOST: '0.0.0.0' };
    expect(await examine(open)).toMatchObject({
      code: 1,
      ...onlyTrouble('mqtt.host (0.0.0.0) is beyond this machine'),
    });
    const allowed = { ...open, TRIVIUM_ALLOW_ANONYMOUS: 'true' };
    expect(await examine(allowed)).toMatchObject({
      code: 0,
      ...onlyTrouble('whoever reaches mqtt.host (0.0.0.0) may do everything'),
    });
  });

  test('wrong ones are a finding, and nothing else is looked at', async () => {
    const { code, out } = await call(['doctor'], { env: { TRIVIUM_NATS_REPLICAS: 'many' } });
    expect(code).toBe(1);
    expect(out).toContain('nats.replicas');
    expect(out).toContain('skip');
  });

  test('certificates that expire soon, have expired, or are none', async () => {
    const out = join(dir.path, 'certs');
    await call(['certs', 'ca', '--out', out]);
    await call(['certs', 'server', '--name', 'hub.local', '--days', '40', '--out', out]);
    const cert = join(out, 'servers/hub.local.cert.pem');
    const key = join(out, 'servers/hub.local.key.pem');
    const settings = hubSettings({
      TRIVIUM_TLS_CERT: cert,
      TRIVIUM_HTTP_TLS_CERT: join(out, 'none.pem'),
      TRIVIUM_TLS_HOSTS: JSON.stringify({ 'hub.local': `${cert}:${key}` }),
      TRIVIUM_TLS_REVOCATION_LIST: join(out, 'revoked.crl.pem'),
    });
    const at = async (days: number): Promise<string[]> =>
      (await checkCertificates(settings, Date.now() + days * 86_400_000)).map(({ level }) => level);
    expect(await at(0)).toEqual(['ok', 'fail', 'ok', 'ok']);
    expect(await at(11)).toEqual(['warn', 'fail', 'warn', 'ok']);
    expect(await at(41)).toEqual(['fail', 'fail', 'fail', 'ok']);
    expect(await at(-1)).toEqual(['fail', 'fail', 'fail', 'ok']);
    expect((await at(3_640)).at(-1)).toBe('warn');
    expect((await at(3_651)).at(-1)).toBe('fail');
  });
});

describe('doors', () => {
  async function listening(status: number, body: object): Promise<{ server: Server; url: string }> {
    const server = createServer((_, response) => response.writeHead(status).end(JSON.stringify(body)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  test('those of npm start, and those that are named', async () => {
    const well = await listening(200, { ready: true });
    const ill = await listening(503, {
      state: 'ready',
      checks: { bus: { ok: false, detail: 'no connection to NATS' }, other: { ok: true } },
    });
    const closed = `http://127.0.0.1:${await freePort()}`;
    const data = join(dir.path, 'running');
    mkdirSync(data);
    const processes = [
      { name: 'mqtt-ingress', address: well.url, ready: `${well.url}/readyz` },
      { name: 'http-ingress', address: closed, ready: `${ill.url}/readyz` },
    ];
    writeFileSync(join(data, 'hub.json'), JSON.stringify({ launcher: { pid: 1 }, processes }));
    try {
      const { code, troubles } = await examine({ TRIVIUM_DATA_DIR: data }, ['--admin', closed]);
      expect(code).toBe(1);
      expect(troubles).toEqual([
        'fail http-ingress: is not ready: bus: no connection to NATS',
        expect.stringContaining(`nothing takes connections at ${closed}`),
        expect.stringContaining(`does not answer at ${closed}/readyz`),
      ]);
    } finally {
      well.server.close();
      ill.server.close();
    }
  });

  test('without a NATS they are looked at all the same', async () => {
    const well = await listening(200, { ready: true });
    try {
      const port = await freePort();
      const process = await startProcess({
        command: 'npx',
        args: ['trivium', 'doctor', '--admin', well.url],
        cwd: repoRoot(),
        env: { TRIVIUM_NATS_URL: `nats://127.0.0.1:${port}`, TRIVIUM_DATA_DIR: join(dir.path, 'empty') },
      });
      expect(await process.exited).toMatchObject({ code: 1 });
      expect(process.stdout()).toContain(`no NATS at nats://127.0.0.1:${port}`);
      expect(process.stdout()).toContain('what is kept in NATS was not looked at');
      expect(process.stdout()).toContain(`is ready (${well.url}/readyz)`);
    } finally {
      well.server.close();
    }
  }, 120_000);

  test('what is no address is told', async () => {
    expect(await call(['doctor', '--admin', 'here'])).toMatchObject({
      code: 78,
      err: expect.stringContaining('--admin') as string,
    });
  });
});
