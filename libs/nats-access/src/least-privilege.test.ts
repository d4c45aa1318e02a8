import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, type Bus, type BusConfig } from '@trivium/bus';
import {
  ALL_SUBJECTS,
  BUCKETS,
  doorFiltersSubject,
  filtersSubject,
  STREAMS,
  type BucketName,
  type StreamName,
} from '@trivium/contracts';
import { startNats, tempDir, waitFor, type NatsServer, type TempDir } from '@trivium/testing';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authConf } from './auth-conf.ts';
import { ensureKey } from './key-files.ts';
import { NATS_USERS, type NatsUser } from './needs.ts';

const DOORS = ['mqtt-ingress', 'ws-ingress', 'http-ingress'] as const;
const SERVICES = [...DOORS, 'router'] as const;
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let data: TempDir;
let nats: NatsServer;
let site: Bus;

const fileOf = (user: NatsUser): string => join(data.path, `${user}.nk`);
const configOf = (user: NatsUser): BusConfig => ({ url: nats.url, name: user, nkeyFile: fileOf(user) });

beforeAll(async () => {
  data = await tempDir();
  const keys = Object.fromEntries(NATS_USERS.map((user) => [user, ensureKey(fileOf(user))]));
  nats = await startNats({ extraConfig: authConf(keys) });
  site = await connectBus({ config: configOf('router'), logger: quiet });
});

afterAll(async () => {
  await site?.close();
  await nats?.stop();
  await data?.remove();
});

/** A plain connection with the key of a service, and what NATS refused on it. */
async function as(user: NatsUser): Promise<{ nc: NatsConnection; refused: string[] } & AsyncDisposable> {
  const seed = Buffer.from(readFileSync(fileOf(user), 'latin1').trim());
  const nc = await connect({
    servers: nats.url,
    authenticator: nkeyAuthenticator(seed),
    inboxPrefix: `_INBOX_${user}`,
  });
  const refused: string[] = [];
  void (async () => {
    for await (const status of nc.status()) if (status.type === 'error') refused.push(status.error.message);
  })();
  return { nc, refused, [Symbol.asyncDispose]: () => nc.close() };
}

/** When NATS has seen what was said, and what it answered has been taken down. */
async function settled(nc: NatsConnection): Promise<void> {
  await nc.flush();
  await new Promise((resolve) => setImmediate(resolve));
}

async function mayPublish(user: NatsUser, subject: string): Promise<boolean> {
  await using one = await as(user);
  one.nc.publish(subject, '{}');
  await settled(one.nc);
  return !one.refused.some((said) => said.includes(`Publish to "${subject}"`));
}

async function maySubscribe(user: NatsUser, subject: string): Promise<boolean> {
  await using one = await as(user);
  one.nc.subscribe(subject, { callback: () => undefined });
  await settled(one.nc);
  return one.refused.length === 0;
}

describe('NATS with keys', () => {
  test('lets in nobody without a key, with a wrong password, or with a key of somebody else', async () => {
    const seed = join(data.path, 'stranger.nk');
    ensureKey(seed);
    const noKey = { url: nats.url, name: 'router' };
    for (const wrong of [
      noKey,
      { ...noKey, user: 'router', password: 'guess' },
      { ...noKey, nkeyFile: seed },
    ])
      await expect(connectBus({ config: wrong, logger: quiet })).rejects.toMatchObject({
        code: 'config.invalid',
        message: expect.stringMatching(/refuses router: it (wants to know|does not)/) as string,
      });
  });

  test('a file that is not there is named with its setting', async () => {
    const nkeyFile = join(data.path, 'nothing.nk');
    const joining = connectBus({ config: { ...configOf('router'), nkeyFile }, logger: quiet });
    await expect(joining).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining(`nats.nkeyFile: ${nkeyFile} cannot be read`) as string,
    });
  });

  test.each(SERVICES)(
    '%s joins, also after NATS has restarted, and is refused nothing',
    async (service) => {
      await using own = await startNats({
        extraConfig: authConf({ [service]: ensureKey(fileOf(service)) }),
      });
      const errors: unknown[] = [];
      const logger = { ...quiet, error: (fields: object) => void errors.push(fields) };
      const bus = await connectBus({
        config: { ...configOf(service), url: own.url, provision: service === 'router' ? 'settle' : 'create' },
        logger,
      });
      const before = await bus.lastPos('MESSAGES');
      await own.kill();
      await waitFor(() => !bus.up);
      await own.restart();
      await waitFor(() => bus.up, { timeoutMs: 20_000 });
      const { pos } = await bus.publisher.store('tv1.m.1.-.a', new Uint8Array(1));
      expect(pos).toBeGreaterThan(before);
      expect((await bus.read('MESSAGES', pos))?.subject).toBe('tv1.m.1.-.a');
      expect(bus.stats.permissionViolations).toBe(0);
      expect(errors).toEqual([]);
      await bus.close();
    },
    60_000,
  );

  test('what NATS refuses is logged as an error and counted', async () => {
    const errors: { operation?: string; subject?: string }[] = [];
    const logger = { ...quiet, error: (fields: object) => void errors.push(fields) };
    const bus = await connectBus({ config: configOf('http-ingress'), logger });
    bus.publisher.live('$KV.policies.policy.mine', new Uint8Array(1));
    await waitFor(() => bus.stats.permissionViolations === 1);
    bus.live.subscribe('tv1.a.>', () => undefined);
    await waitFor(() => bus.stats.permissionViolations === 2);
    expect(errors).toMatchObject([{ operation: 'publish', subject: '$KV.policies.policy.mine' }]);
    await bus.close();
  });

  test('a key that is renewed is taken at the next connection', async () => {
    await using folder = await tempDir();
    const file = join(folder.path, 'key.nk');
    const [first, second] = [ensureKey(file), ensureKey(join(folder.path, 'next.nk'))];
    await using own = await startNats({
      extraConfig: `authorization { users = [ { nkey: ${first} }, { nkey: ${second} } ] }`,
    });
    const bus = await connectBus({ config: { url: own.url, name: 'x', nkeyFile: file }, logger: quiet });
    writeFileSync(file, readFileSync(join(folder.path, 'next.nk')));
    await own.restart();
    await waitFor(() => bus.stats.reconnects === 4, { timeoutMs: 20_000 });
    const connz = (await (await fetch(`${own.monitorUrl}/connz?auth=true`)).json()) as {
      connections: { authorized_user: string }[];
    };
    expect(new Set(connz.connections.map((one) => one.authorized_user))).toEqual(new Set([second]));
    await bus.close();
  });
});

describe.each(DOORS)('%s', (door) => {
  test.each([
    '$KV.policies.policy.x',
    '$KV.contracts.contract.x',
    '$KV.devices.credentials.x',
    '$KV.devices.keys.x',
    '$KV.devices.presence.x',
    '$KV.positions.1',
    '$KV.leases.partition.1',
    'tv1.l.presence.x',
  ])('cannot write %s', async (subject) => {
    expect(await mayPublish(door, subject)).toBe(false);
  });

  test.each(['$KV.devices.used.x', '$KV.devices.secret.salts', 'tv1.a.command.x', 'tv1.m.1.-.a.b'])(
    'can write %s',
    async (subject) => {
      expect(await mayPublish(door, subject)).toBe(true);
    },
  );

  test('only http-ingress writes the registry', async () => {
    expect(await mayPublish(door, '$KV.devices.registry.x')).toBe(door === 'http-ingress');
  });

  test('says what it delivers to a client; only http-ingress, which explains, asks', async () => {
    expect(await maySubscribe(door, doorFiltersSubject('one'))).toBe(true);
    expect(await mayPublish(door, filtersSubject('one', 'x'))).toBe(door === 'http-ingress');
  });
});

describe.each(SERVICES)('%s', (service) => {
  const everything = [
    ...(Object.keys(STREAMS) as StreamName[]),
    ...(Object.keys(BUCKETS) as BucketName[]).map((name) => `KV_${name}`),
  ];

  test('cannot delete or purge a stream, or make one of another name', async () => {
    for (const stream of everything)
      for (const call of ['DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE'])
        expect([call, await mayPublish(service, `$JS.API.STREAM.${call}.${stream}`)]).toEqual([call, false]);
    expect(await mayPublish(service, '$JS.API.STREAM.CREATE.MINE')).toBe(false);
    expect(await mayPublish(service, '$JS.API.STREAM.UPDATE.MESSAGES')).toBe(service === 'router');
    expect(await mayPublish(service, '$JS.API.STREAM.MSG.DELETE.MESSAGES')).toBe(false);
    expect(await site.lastPos('MESSAGES')).toBeGreaterThanOrEqual(0);
  });

  test.each([
    '$JS.API.DIRECT.GET.AUDIT',
    '$JS.API.DIRECT.GET.AUDIT.tv1.a.command.x',
    '$JS.API.STREAM.MSG.GET.AUDIT',
    '$JS.API.CONSUMER.CREATE.AUDIT.mine',
    '$JS.API.CONSUMER.CREATE.AUDIT',
    '$JS.API.CONSUMER.DURABLE.CREATE.AUDIT.mine',
    '$SYS.REQ.SERVER.PING',
    '$SYS.REQ.USER.INFO',
  ])('cannot ask %s', async (subject) => {
    expect(await mayPublish(service, subject)).toBe(false);
  });

  test('hears neither the audit, the system, the API of JetStream, nor the answers to others', async () => {
    const others = NATS_USERS.filter((user) => user !== service).map((user) => `_INBOX_${user}.>`);
    for (const subject of ['>', ALL_SUBJECTS.audit, '$SYS.>', '$JS.>', '$KV.>', '_INBOX.>', ...others])
      expect([subject, await maySubscribe(service, subject)]).toEqual([subject, false]);
    expect(await maySubscribe(service, `_INBOX_${service}.>`)).toBe(true);
  });
});

test('the router does not read credentials and keys', async () => {
  for (const key of ['credentials.x', 'keys.x', 'secret.salts'])
    for (const call of ['DIRECT.GET.KV_devices', 'CONSUMER.CREATE.KV_devices.mine'])
      expect(await mayPublish('router', `$JS.API.${call}.$KV.devices.${key}`)).toBe(false);
  for (const call of ['DIRECT.GET', 'STREAM.MSG.GET', 'CONSUMER.CREATE'])
    expect(await mayPublish('router', `$JS.API.${call}.KV_devices`)).toBe(false);
  expect(await mayPublish('router', '$JS.API.CONSUMER.CREATE.KV_devices.mine')).toBe(false);
});

test('tools may do everything', async () => {
  expect(await mayPublish('admin', '$KV.policies.policy.x')).toBe(true);
  expect(await maySubscribe('admin', ALL_SUBJECTS.audit)).toBe(true);
});
