import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir, waitFor, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUTHORIZED_DOORS, type AuthorizedClient } from './clients/authorized.ts';
import { connectMqtt, mqttJsSession } from './clients/mqtt-js.ts';
import { startHub, type TestHub } from './hub.ts';
import { trivium } from './trivium-command.ts';

/** Each action is allowed on all of `m/`, but for the part that has its name. */
const POLICIES = `
name: limited
groups: [limited]
statements:
  - { effect: allow, actions: [connect], clients: ['\${principal}', '\${principal}-*'] }
  - { effect: deny, actions: [connect], clients: ['*-forbidden'] }
  - { effect: allow, actions: [publish, retain, subscribe, receive], topics: ['m/#'] }
  - { effect: deny, actions: [publish], topics: ['m/no-publish/#'] }
  - { effect: deny, actions: [retain], topics: ['m/no-retain/#'] }
  - { effect: deny, actions: [subscribe], topics: ['m/no-subscribe/#'] }
  - { effect: deny, actions: [receive], topics: ['m/no-receive/#'] }
  - { effect: allow, actions: [command], topics: ['cmd/+/allowed'] }
---
name: nothing
groups: [nothing]
statements:
  - { effect: allow, actions: [connect], clients: ['\${principal}'] }
`;
const PASSWORD = 'correct horse battery staple';

let data: TempDir;
let hub: TestHub;
let admin: AuthorizedClient;

beforeAll(async () => {
  data = await tempDir();
  hub = await startHub({ dataDir: data.path, env: { TRIVIUM_AUTH_REQUIRED: 'true' } });
  const run = trivium(hub, data.path);
  const file = join(data.path, 'policies.yaml');
  await writeFile(file, POLICIES);
  await run(['policies', 'add', file]);
  for (const [name, groups] of [
    ['limited', 'limited'],
    ['nothing', 'nothing'],
    ['root', 'administrators'],
    ['device', 'devices'],
  ])
    await run(['devices', 'create', name!, '--groups', groups!, '--password-stdin'], PASSWORD);
  const [mqtt5] = AUTHORIZED_DOORS;
  admin = await mqtt5!.open(hub.addresses, { user: 'root', password: PASSWORD });
  expect(await admin.subscribe('m/#')).toBe(true);
});
afterAll(async () => {
  await admin?.[Symbol.asyncDispose]();
  await hub?.[Symbol.asyncDispose]();
  await data.remove();
});

const seenByAdmin = (topic: string): boolean => admin.received.includes(topic);
const retainedAs = async (topic: string): Promise<number> => {
  const { host, http } = hub.addresses;
  const authorization = `Basic ${Buffer.from(`root:${PASSWORD}`).toString('base64')}`;
  const at = `http://${host}:${http}/retainedMessage/${encodeURIComponent(topic)}`;
  return (await fetch(at, { headers: { authorization } })).status;
};

describe.each(AUTHORIZED_DOORS)('$name', (door) => {
  const here = door.name.replaceAll(/\W+/g, '-').toLowerCase();
  const limited = (clientId = `limited-${here}`) =>
    door.open(hub.addresses, { user: 'limited', password: PASSWORD, clientId });

  test('connect: by proof, and under an id that is allowed', async () => {
    await expect(door.open(hub.addresses, undefined)).rejects.toThrow();
    await expect(door.open(hub.addresses, { user: 'limited', password: 'wrong' })).rejects.toThrow();
    await expect(door.open(hub.addresses, { user: 'nobody', password: PASSWORD })).rejects.toThrow();
    await expect(limited('limited-forbidden')).rejects.toThrow();
    await expect(limited('somebody-else')).rejects.toThrow();
    await using client = await limited();
    expect(client.ended).toBe(false);
  });

  test('publish', async () => {
    await using client = await limited();
    const [no, yes] = [`m/no-publish/${here}`, `m/publish/${here}`];
    for (const qos of [0, 1] as const) {
      const taken = await client.publish(no, { qos });
      if (qos === 1) expect(taken).toBe(!door.saysNo);
    }
    expect(await client.publish(`elsewhere/${here}`)).toBe(!door.saysNo);
    expect(await client.publish(yes)).toBe(true);
    await waitFor(() => seenByAdmin(yes));
    expect(seenByAdmin(no)).toBe(false);
    expect(client.ended).toBe(false);
  });

  test('retain', async () => {
    await using client = await limited();
    if (!door.retains) return expect(await client.publish(`m/retain/${here}`, { retain: true })).toBe(false);
    const [no, yes] = [`m/no-retain/${here}`, `m/retain/${here}`];
    expect(await client.publish(no, { retain: true })).toBe(!door.saysNo);
    expect(await client.publish(yes, { retain: true })).toBe(true);
    await waitFor(() => seenByAdmin(yes));
    expect(seenByAdmin(no)).toBe(false);
    expect(await retainedAs(no)).toBe(404);
    expect(await retainedAs(yes)).toBe(200);
    expect(await client.publish(no)).toBe(true);
  });

  test('subscribe', async () => {
    await using client = await limited();
    for (const filter of ['m/no-subscribe/#', 'm/no-subscribe/x', '#', '+/x', 'elsewhere/#', '$share/g/m/#'])
      expect([filter, await client.subscribe(filter)]).toEqual([filter, false]);
    expect(await client.subscribe(`m/subscribe/${here}`)).toBe(true);
    await admin.publish(`m/subscribe/${here}`);
    await waitFor(() => client.received.length === 1);
  });

  test('receive: through a wildcard comes what may, live, stored and retained', async () => {
    const told = `${here}-${Math.random().toString(36).slice(2)}`;
    await admin.publish(`m/no-receive/retained/${told}`, { retain: true });
    await admin.publish(`m/no-subscribe/retained/${told}`, { retain: true });
    await admin.publish(`m/receive/retained/${told}`, { retain: true });
    await using client = await limited();
    expect(await client.subscribe('m/#')).toBe(true);
    for (const qos of [0, 1] as const)
      for (const part of ['no-receive', 'no-subscribe', 'receive'])
        await admin.publish(`m/${part}/${qos}/${told}`, { qos });
    const mine = (): string[] => client.received.filter((topic) => topic.endsWith(told));
    const retained = door.retains ? [`m/receive/retained/${told}`] : [];
    await waitFor(() => mine().length >= retained.length + 2);
    expect(mine().toSorted()).toEqual([`m/receive/0/${told}`, `m/receive/1/${told}`, ...retained]);
    expect(client.received.filter((topic) => /no-(receive|subscribe)/.test(topic))).toEqual([]);
  });

  test('command', async () => {
    const device = await connectMqtt(`mqtt://${hub.addresses.host}:${hub.addresses.mqtt}`, {
      ...{ clientId: `device-${here}`, username: 'device', password: PASSWORD, protocolVersion: 5 },
    });
    const called: string[] = [];
    device.on('message', (topic, _payload, { properties }) => {
      called.push(topic);
      const { responseTopic, correlationData } = properties!;
      device.publish(responseTopic!, 'done', { qos: 1, properties: { correlationData: correlationData! } });
    });
    await using client = await limited();
    if (client.command === undefined) {
      // Commands are not published: what is, is answered like all that is not allowed.
      expect(await client.publish(`cmd/device-${here}/allowed`)).toBe(!door.saysNo);
      expect(called).toEqual([]);
    } else {
      expect(await client.command(`device-${here}`, 'denied')).toMatch(/403|auth\.denied/);
      expect(called).toEqual([]);
      expect(await client.command(`device-${here}`, 'allowed')).toBe('reply');
      expect(called).toEqual([`cmd/device-${here}/allowed`]);
    }
    await device.endAsync(true);
  });

  test('what no statement allows is refused', async () => {
    await using client = await door.open(hub.addresses, { user: 'nothing', password: PASSWORD });
    expect(await client.publish(`m/publish/nothing-${here}`)).toBe(!door.saysNo);
    expect(await client.subscribe('m/#')).toBe(false);
    await admin.publish(`m/after/${here}`);
    await waitFor(() => seenByAdmin(`m/after/${here}`));
    expect(seenByAdmin(`m/publish/nothing-${here}`)).toBe(false);
    expect(client.received).toEqual([]);
  });
});

describe('admin', () => {
  const ask = async (user: string, method: string, path: string, body?: string): Promise<number> => {
    const { host, http } = hub.addresses;
    const authorization = `Basic ${Buffer.from(`${user}:${PASSWORD}`).toString('base64')}`;
    const headers = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const init = body === undefined ? { method, headers } : { method, headers, body };
    return (await fetch(`http://${host}:${http}${path}`, init)).status;
  };

  test.each([
    ['GET', '/v1/devices', undefined],
    ['PUT', '/v1/devices/other', '{}'],
    ['GET', '/v1/devices/other', undefined],
    ['DELETE', '/v1/devices/other', undefined],
    ['GET', '/v1/explain?client=device&topic=m/x', undefined],
  ])('%s %s is for administrators', async (method, path, body) => {
    expect(await ask('limited', method, path, body)).toBe(403);
    expect([200, 201, 204]).toContain(await ask('root', method, path, body));
  });
});

test('another principal does not get a session, its queue or its will by the client id', async () => {
  const { host, mqtt } = hub.addresses;
  const url = `mqtt://${host}:${mqtt}`;
  const owner = { clientId: 'limited-owned', username: 'limited', password: PASSWORD, clean: false };
  const first = await connectMqtt(url, owner);
  await first.subscribeAsync('m/owned', { qos: 1 });
  await first.endAsync();
  await admin.publish('m/owned');
  // Administrators may use any id; this one is somebody's.
  for (const clean of [true, false])
    await expect(connectMqtt(url, { ...owner, username: 'root', clean })).rejects.toThrow();
  const back = await mqttJsSession().open({
    host,
    port: mqtt,
    id: owner.clientId,
    filter: 'm/x',
    qos: 1,
    login: { username: 'limited', password: PASSWORD },
  });
  expect(back.present).toBe(true);
  await waitFor(() => back.received.length === 1);
  expect(back.received[0]?.topic).toBe('m/owned');
  await back.leave();
});
