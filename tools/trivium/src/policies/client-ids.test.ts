import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DoorLease, doorLeaseKey, encodeJson } from '@trivium/contracts';
import { repoRoot, startDoorProcess, startProcess, tempDir, type DoorProcess } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';

let hub: HubUnderTest;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub[Symbol.asyncDispose]());
beforeEach(noDoor);

const TEST = ['policies', 'test', '--principal', 'pump-7', '--client', 'foreign'];
const CONNECT = ['--action', 'connect'];
const PUBLISH = ['--action', 'publish', '--topic', 'a'];

const judged = (...more: string[]) => hub.trivium([...TEST, ...more]);
const REFUSED = { code: 1, out: 'refused: no statement allows it\n' };
const FREE = { code: 0, out: expect.stringContaining('client ids are free here') as string };

/** Also none that was killed, whose lease would stay for some seconds. */
async function noDoor(): Promise<void> {
  const leases = hub.bus.bucket('leases');
  for (const { key } of await leases.entries('door.*')) await leases.delete(key);
}

/** A door, by its lease. */
async function alive(incarnation: string, authRequired?: boolean): Promise<void> {
  const lease: DoorLease = {
    ...{ v: 1, incarnation, service: 'mqtt-ingress', startedAt: 1 },
    ...(authRequired === undefined ? {} : { authRequired }),
  };
  await hub.bus.bucket('leases').put(doorLeaseKey(incarnation), encodeJson(DoorLease, lease));
}

test('foreign client ids are free where a living door does not ask for credentials', async () => {
  expect(await judged(...CONNECT)).toMatchObject(REFUSED);
  await alive('d1', true);
  await alive('d2');
  expect(await judged(...CONNECT)).toMatchObject(REFUSED);
  expect((await judged(...PUBLISH)).out).toContain('may not connect as client foreign');
  await alive('d3', false);
  expect(await judged(...CONNECT)).toMatchObject(FREE);
  expect((await judged(...PUBLISH)).out).not.toContain('may not connect');
  expect(JSON.parse((await judged(...PUBLISH, '--json')).out)).toMatchObject({ mayConnect: true });
});

test('--auth-required judges as if all doors did', async () => {
  await alive('d1', false);
  expect(await judged(...CONNECT, '--auth-required')).toMatchObject(REFUSED);
  expect((await judged(...PUBLISH, '--auth-required')).out).toContain('may not connect as client foreign');
});

test('a policy of the site holds where client ids are free too', async () => {
  await alive('d1', false);
  await using dir = await tempDir();
  const file = join(dir.path, 'own.yaml');
  writeFileSync(
    file,
    `{ name: own, groups: [devices], statements: [{ effect: allow, actions: [connect], clients: ['\${principal}'] }] }`,
  );
  expect(await judged(...CONNECT, '--file', file)).toMatchObject(REFUSED);
});

test('what the command says is what a door does, with auth.required and without', async () => {
  const { password } = await hub.json<{ password: string }>('devices create pump-7');
  const isLetIn = async ({ port }: DoorProcess): Promise<boolean> => {
    const words = ['pub', 'a', '-m', 'x', '--user', `pump-7:${password}`, '--client-id', 'foreign'];
    const { code, err } = await call([...words, '--url', `http://127.0.0.1:${port}`]);
    if (code !== 0) expect(err).toContain('auth.denied');
    return code === 0;
  };
  for (const required of [false, true]) {
    await using door = await startDoorProcess('http', hub.natsUrl, {
      TRIVIUM_AUTH_REQUIRED: String(required),
    });
    const command = await startProcess({
      ...{ command: 'npx', args: ['trivium', ...TEST, ...CONNECT], cwd: repoRoot() },
      env: { TRIVIUM_NATS_URL: hub.natsUrl, TRIVIUM_DATA_DIR: '/nowhere' },
    });
    const { code } = await command.exited;
    expect(code === 0, command.stdout() + command.stderr()).toBe(!required);
    expect(await isLetIn(door)).toBe(!required);
    await door.kill();
    await noDoor();
  }
}, 240_000);
