import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  encodeJson,
  Presence,
  presenceKey,
  SessionRecord,
  sessionKey,
  type DeviceRecord,
} from '@trivium/contracts';
import { storedCredential } from '@trivium/identity';
import { repoRoot, startProcess, tempDir, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';
import { parseCsv } from './csv.ts';
import { registered } from './registry.ts';

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
  for (const name of ['devices', 'sessions'] as const)
    for (const { key } of await hub.bus.bucket(name).entries()) await hub.bus.bucket(name).delete(key);
});

const entry = async (id: string): Promise<DeviceRecord | undefined> =>
  registered(hub.bus.bucket('devices'), id);

describe('create', () => {
  test('makes credentials and an entry in the registry, and shows the password once', async () => {
    const words = 'devices create pump-7 --groups pumps,line1 --attribute site=berlin --attribute floor=2';
    const { code, out, err } = await hub.trivium([...words.split(' '), '--description', 'the old one']);
    expect([code, err]).toEqual([0, '']);
    const password = /shown only now: (\S+)/.exec(out)?.[1] ?? '';
    expect(password.length).toBeGreaterThanOrEqual(24);
    expect(out).toContain(`mosquitto_pub -h 127.0.0.1 -p 1883 -i pump-7 -u pump-7 -P`);
    expect(await storedCredential(hub.bus, 'pump-7')).toMatchObject({
      ...{ name: 'pump-7', groups: ['pumps', 'line1'] },
      password: expect.stringContaining('$argon2id$v=19$m=1024,t=1,p=1$') as string,
      scram: expect.stringContaining('SCRAM-SHA-256$') as string,
    });
    expect(await entry('pump-7')).toMatchObject({
      ...{ id: 'pump-7', description: 'the old one', attributes: { site: 'berlin', floor: '2' } },
    });
    expect(await hub.text('devices')).not.toContain(password);
    expect(JSON.stringify(await hub.audit())).not.toContain(password);
    for (const words of [
      'devices list',
      'devices show pump-7',
      'devices list --json',
      'devices show pump-7 --json',
    ]) {
      const shown = await hub.done(words);
      expect(shown).not.toMatch(/argon2id|SCRAM-SHA-256\$/);
      expect(shown).not.toContain(password);
    }
    expect((await hub.audit()).at(-1)).toMatchObject({
      ...{ kind: 'device-changed', object: 'pump-7', service: 'trivium' },
      principal: expect.stringContaining('@') as string,
    });
  });

  test('takes a password from standard input, or none', async () => {
    expect(await hub.done('devices create own --password-stdin', 'my own password\n')).not.toContain(
      'my own',
    );
    expect((await storedCredential(hub.bus, 'own'))?.password).toBeDefined();
    const none = await hub.json<object>('devices create certified --no-password');
    expect(none).toEqual({ name: 'certified', groups: [] });
    expect((await storedCredential(hub.bus, 'certified'))?.password).toBeUndefined();
  });

  test('never takes what is somebody else’s; what the registry says stays, and grows', async () => {
    await hub.done('devices create a --attribute x=1');
    const before = await storedCredential(hub.bus, 'a');
    const again = await hub.trivium(['devices', 'create', 'a', '--attribute', 'y=2']);
    expect(again).toMatchObject({ code: 1, out: '', err: expect.stringContaining('already') as string });
    expect(await storedCredential(hub.bus, 'a')).toEqual(before);
    expect((await entry('a'))?.attributes).toEqual({ x: '1' });
    await hub.done('devices delete a --keep-registry');
    expect((await entry('a'))?.attributes).toEqual({ x: '1' });
    await hub.done('devices create a --attribute y=2');
    expect((await entry('a'))?.attributes).toEqual({ x: '1', y: '2' });
  });
});

describe('create --file', () => {
  const file = (name: string, text: string): string => {
    const path = join(dir.path, name);
    writeFileSync(path, text);
    return path;
  };

  test('many from CSV, YAML and JSON: names and passwords come out', async () => {
    const csv = file('many.csv', 'name,groups,site\nc1,pumps;line1,berlin\n"c,2",,"köln"\n');
    const { out } = await hub.trivium(['devices', 'create', '--file', csv]);
    const [head, ...rows] = parseCsv(out);
    expect(head).toEqual(['name', 'password']);
    expect(rows.map(([name]) => name).sort()).toEqual(['c,2', 'c1']);
    for (const [, password] of rows) expect(password!.length).toBeGreaterThanOrEqual(24);
    expect((await storedCredential(hub.bus, 'c1'))?.groups).toEqual(['pumps', 'line1']);
    expect((await entry('c,2'))?.attributes).toEqual({ site: 'köln' });

    const yaml = file(
      'many.yaml',
      '- { name: y1, groups: [a], attributes: { n: 1 } }\n- { name: 77, password: given }\n',
    );
    const made = await hub.json<{ devices: { name: string; password: string }[] }>(
      `devices create --file ${yaml}`,
    );
    expect(made.devices.map(({ name }) => name).sort()).toEqual(['77', 'y1']);
    expect(made.devices.find(({ name }) => name === '77')?.password).toBe('given');
    expect((await entry('y1'))?.attributes).toEqual({ n: 1 });
    await hub.done(`devices create --file ${file('one.json', '{ "name": "j1" }')}`);
    expect(await storedCredential(hub.bus, 'j1')).toBeDefined();
  });

  test('all faults are told and nothing is stored', async () => {
    const path = file(
      'bad.yaml',
      '- { name: ok }\n- { name: ok }\n- { groups: [a] }\n- { name: b, group: a }\n- { name: c, groups: [a b] }\n',
    );
    const { code, out, err } = await hub.trivium(['devices', 'create', '--file', path]);
    expect([code, out]).toEqual([1, '']);
    for (const fault of [
      'device 2: ok is there twice',
      'device 3:',
      'device 4: group is not known',
      'device 5: a b is no group',
    ])
      expect(err).toContain(fault);
    expect(await hub.text('devices')).toBe('');
  });

  test('nothing is stored when one of them is there', async () => {
    await hub.done('devices create there');
    const path = file('half.csv', 'name\nnew-one\nthere\n');
    const { code, err } = await hub.trivium(['devices', 'create', '--file', path]);
    expect([code, err]).toEqual([1, expect.stringContaining('there have credentials already')]);
    expect(await storedCredential(hub.bus, 'new-one')).toBeUndefined();
  });

  test('of many it is told how far it is', async () => {
    const path = file('many-more.csv', `name\n${Array.from({ length: 200 }, (_, n) => `d${n}\n`).join('')}`);
    const { code, err, out } = await hub.trivium(['devices', 'create', '--file', path]);
    expect([code, err]).toEqual([0, 'trivium: 100 of 200 devices\ntrivium: 200 of 200 devices\n']);
    expect(parseCsv(out)).toHaveLength(201);
  }, 120_000);
});

describe('list and show', () => {
  beforeEach(async () => {
    await hub.done('devices create pump-7 --groups pumps --attribute site=berlin');
    await hub.done('devices create bare');
    const presence = {
      v: 1,
      client: 'pump-7',
      online: true,
      connectedAt: 1_700_000_000_000,
      pos: 1,
    } as const;
    await hub.bus.bucket('devices').put(presenceKey('pump-7'), encodeJson(Presence, presence));
    const session: SessionRecord = {
      ...{ v: 1, epoch: 1, door: 'd', connection: 'c', connectedAt: 1_700_000_000_000, principal: 'pump-7' },
      ...{ clean: false, pos: 42, open: [], exactlyOnce: false },
      subscriptions: [{ filter: 'plant/#', qos: 1, from: 1 }],
    };
    await hub.bus.bucket('sessions').put(sessionKey('pump-7/a'), encodeJson(SessionRecord, session));
    await hub.bus
      .bucket('sessions')
      .put(sessionKey('x'), encodeJson(SessionRecord, { ...session, principal: 'x' }));
  });

  test('who there is', async () => {
    expect((await hub.done('devices list')).split('\n')).toEqual([
      'NAME    GROUPS  PROOFS                                STATE    LAST SEEN',
      'bare            password, SCRAM-SHA-256, certificate  offline',
      'pump-7  pumps   password, SCRAM-SHA-256, certificate  online   2023-11-14T22:13:20Z',
      '',
    ]);
    const names = async (words: string): Promise<string[]> =>
      (await hub.json<{ devices: { name: string }[] }>(words)).devices.map(({ name }) => name);
    expect(await names('devices list --group pumps')).toEqual(['pump-7']);
    expect(await names('devices list --group devices')).toEqual(['bare']);
  });

  test('what there is about one, with the sessions that are its own', async () => {
    expect(await hub.json('devices show pump-7')).toMatchObject({
      ...{ name: 'pump-7', groups: ['pumps'], disabled: false, online: true, attributes: { site: 'berlin' } },
      proofs: ['password', 'SCRAM-SHA-256', 'certificate'],
      sessions: [{ client: 'pump-7/a', connected: true, pos: 42, subscriptions: ['plant/# (QoS 1)'] }],
    });
    const text = await hub.done('devices show pump-7');
    expect(text).toContain('online since 2023-11-14T22:13:20Z');
    expect(text).toContain('pump-7/a: connected');
    expect(await hub.trivium(['devices', 'show', 'nobody'])).toMatchObject({ code: 1 });
  });
});

describe('changes', () => {
  beforeEach(async () => {
    await hub.done('devices create a --groups x');
  });

  test('groups, disable and enable, rotate, delete', async () => {
    expect(await hub.done('devices groups a y,z')).toBe('a: groups: y, z\n');
    expect((await hub.trivium(['devices', 'groups', 'a', ''])).code).toBe(0);
    expect((await storedCredential(hub.bus, 'a'))?.groups).toEqual([]);
    await hub.done('devices disable a');
    expect(await storedCredential(hub.bus, 'a')).toMatchObject({ disabled: true });
    expect(await hub.done('devices list')).toContain('disabled');
    await hub.done('devices enable a');
    const before = await storedCredential(hub.bus, 'a');
    expect(before?.disabled).toBeUndefined();
    const { password } = await hub.json<{ password: string }>('devices rotate a');
    expect(password.length).toBeGreaterThanOrEqual(24);
    const after = await storedCredential(hub.bus, 'a');
    expect(after?.password).not.toBe(before?.password);
    expect(after?.scram).not.toBe(before?.scram);
    expect(await hub.trivium(['devices', 'delete', 'a', 'nobody'])).toEqual({
      ...{ code: 1, out: 'a: deleted\n', err: 'trivium: nobody is called nobody\n' },
    });
    expect(await hub.text('devices')).toBe('');
  });

  test('pin ties it to a certificate', async () => {
    const out = join(dir.path, 'certs');
    await call(['certs', 'ca', '--out', out]);
    await call(['certs', 'device', 'a', '--out', out]);
    const file = join(out, 'devices/a.cert.pem');
    const { shown } = JSON.parse((await call(['certs', 'show', file, '--json'])).out) as {
      shown: { sha256: string }[];
    };
    await hub.done(`devices pin a ${file}`);
    expect((await storedCredential(hub.bus, 'a'))?.certificates).toEqual([shown[0]!.sha256]);
    expect(await hub.done('devices show a')).toContain('certificate (pinned: 1)');
    await hub.done('devices pin a --none');
    expect((await storedCredential(hub.bus, 'a'))?.certificates).toBeUndefined();
    const key = join(out, 'devices/a.key.pem');
    expect(await hub.trivium(['devices', 'pin', 'a', key])).toMatchObject({
      code: 1,
      err: expect.stringContaining(key) as string,
    });
  });

  test.each(['groups nobody x', 'rotate nobody', 'disable nobody', 'pin nobody --none'])(
    '%s: there must be somebody',
    async (words) => {
      const { code, err } = await hub.trivium(['devices', ...words.split(' ')]);
      expect([code, err]).toEqual([1, 'trivium: nobody has no credentials\n']);
      expect(await storedCredential(hub.bus, 'nobody')).toBeUndefined();
    },
  );
});

describe('the tool', () => {
  test.each([
    [['devices'], 78, 'missing'],
    [['devices', 'create'], 78, 'name is missing'],
    [['devices', 'create', 'anonymous'], 78, 'anonymous'],
    [['devices', 'create', 'a', '--groups', 'a b'], 78, 'no group'],
    [['devices', 'create', 'a', '--attribute', 'x'], 78, '--attribute'],
    [['devices', 'create', 'a', '--password-stdin'], 1, 'no password'],
    [['devices', 'create', 'a', '--file', 'x.csv'], 78, '--file'],
    [['devices', 'create', '--file', 'none.csv'], 1, 'none.csv'],
    [['devices', 'groups', 'a'], 78, 'missing'],
    [['devices', 'pin', 'a'], 78, '--none'],
    [['devices', '--help'], 0, ''],
  ] as const)('%j ends with %i', async (words, code, text) => {
    const result = await call(words);
    expect(result.code).toBe(code);
    expect(result.err).toContain(text);
  });

  test('runs by its name against a hub', async () => {
    const process = await startProcess({
      command: 'npx',
      args: ['trivium', 'devices', 'create', 'by-name', '--json'],
      cwd: repoRoot(),
      env: { TRIVIUM_NATS_URL: hub.natsUrl, TRIVIUM_DATA_DIR: dir.path },
    });
    expect(await process.exited).toMatchObject({ code: 0 });
    expect(JSON.parse(process.stdout())).toMatchObject({ name: 'by-name', groups: [] });
    expect(await storedCredential(hub.bus, 'by-name')).toBeDefined();
  }, 120_000);
});
