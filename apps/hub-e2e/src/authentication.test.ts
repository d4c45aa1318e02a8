import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { repoRoot, scramClient, tempDir, waitFor, type TempDir } from '@trivium/testing';
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { generate, type IAuthPacket } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startHub, type TestHub } from './hub.ts';

const METHOD = 'SCRAM-SHA-256';

let folder: TempDir;
let hub: TestHub;
beforeAll(async () => {
  folder = await tempDir();
  const config = join(folder.path, 'trivium.yaml');
  const lines = [await userLine('alice', 'pencil'), await userLine('bob', 'eraser')];
  await writeFile(config, `auth:\n  scram:\n${lines.join('')}`);
  hub = await startHub({ env: { TRIVIUM_CONFIG: config } });
});
afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await folder?.remove();
});

const open: MqttClient[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.end(true);
});

/** What `npm run -s scram -- <user>` prints for this password. */
async function userLine(user: string, password: string): Promise<string> {
  const child = spawn('npm', ['run', '-s', 'scram', '--', user], {
    cwd: repoRoot(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(`${password}\n`);
  const [line, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`npm run scram ended with ${String(code)}`);
  return line;
}

const url = (door: 'TCP' | 'WebSocket'): string =>
  door === 'TCP'
    ? `mqtt://${hub.addresses.host}:${hub.addresses.mqtt}`
    : `ws://${hub.addresses.host}:${hub.addresses.ws}/`;

interface ScramLogin {
  readonly client: MqttClient;
  /** CONNACK, or the error that MQTT.js makes of it. */
  readonly outcome: Promise<IConnackPacket | { code: number }>;
  /** Proves who it is again; resolves to the reason code of the last AUTH. */
  again(user: string, password: string): Promise<number>;
}

/** MQTT.js, with SCRAM in its `handleAuth`. */
function scramLogin(at: string, user: string, password: string, options: IClientOptions = {}): ScramLogin {
  let scram = scramClient(user, password);
  const first = { authenticationMethod: METHOD, authenticationData: scram.first };
  const client = mqtt.connect(at, {
    ...{ protocolVersion: 5, reconnectPeriod: 0, ...options },
    properties: { ...options.properties, ...first },
  });
  open.push(client);
  let ended: (reason: number) => void = () => {};
  client.handleAuth = ({ reasonCode, properties }: IAuthPacket, answer) => {
    const data = properties!.authenticationData!;
    if (reasonCode === 0) {
      ended(scram.trusts(data) ? 0 : -1);
      return answer();
    }
    const authenticationData = scram.final(data);
    answer(undefined, {
      cmd: 'auth',
      reasonCode: 0x18,
      properties: { authenticationMethod: METHOD, authenticationData },
    } as IAuthPacket);
  };
  const outcome = new Promise<IConnackPacket | { code: number }>((resolve) => {
    client.on('connect', (connack) => {
      if (!scram.trusts(connack.properties!.authenticationData!)) throw new Error('not the hub of this user');
      resolve(connack);
    });
    client.on('error', (error) => resolve(error as unknown as { code: number }));
  });
  return {
    client,
    outcome,
    again(someone, secret) {
      scram = scramClient(someone, secret);
      const properties = { authenticationMethod: METHOD, authenticationData: scram.first };
      client.stream.write(generate({ cmd: 'auth', reasonCode: 0x19, properties }, { protocolVersion: 5 }));
      return new Promise((resolve) => (ended = resolve));
    },
  };
}

let run = 0;
const unique = (): string => `auth-${process.pid}-${++run}`;

describe.each(['TCP', 'WebSocket'] as const)('MQTT.js with SCRAM-SHA-256 over %s', (door) => {
  it('[MQTT-4.12.0-2] [MQTT-4.12.0-5] proves who it is, knows the hub by its answer, and is served', async () => {
    const { client, outcome } = scramLogin(url(door), 'alice', 'pencil');
    expect(await outcome).toMatchObject({ reasonCode: 0, properties: { authenticationMethod: METHOD } });
    const topic = unique();
    const seen: string[] = [];
    client.on('message', (_topic, payload) => seen.push(payload.toString()));
    await client.subscribeAsync(topic, { qos: 1 });
    await client.publishAsync(topic, 'hello', { qos: 1 });
    await waitFor(() => seen.length === 1);
  });

  it('[MQTT-4.12.0-4] a wrong password and an unknown user are refused', async () => {
    for (const [user, password] of [
      ['alice', 'pen'],
      ['mallory', 'pencil'],
    ] as const)
      expect(await scramLogin(url(door), user, password).outcome).toMatchObject({ code: 0x86 });
  });

  it('[MQTT-4.12.1-1] proves it again while messages go on', async () => {
    const { client, outcome, again } = scramLogin(url(door), 'alice', 'pencil');
    await outcome;
    const topic = unique();
    const seen: string[] = [];
    client.on('message', (_topic, payload) => seen.push(payload.toString()));
    await client.subscribeAsync(topic, { qos: 1 });
    const over = again('alice', 'pencil');
    for (const payload of ['1', '2', '3']) await client.publishAsync(topic, payload, { qos: 1 });
    expect(await over).toBe(0);
    await waitFor(() => seen.length === 3);
    expect(client.connected).toBe(true);
  });

  it.each([
    ['a wrong password', 'alice', 'pen'],
    ['somebody else', 'bob', 'eraser'],
  ])('[MQTT-4.12.1-2] again with %s: DISCONNECT 0x87 and the end', async (_what, user, password) => {
    const { client, outcome, again } = scramLogin(url(door), 'alice', 'pencil');
    await outcome;
    const reasons: (number | undefined)[] = [];
    client.on('disconnect', ({ reasonCode }) => reasons.push(reasonCode));
    void again(user, password);
    await waitFor(() => !client.connected);
    expect(reasons).toEqual([0x87]);
  });
});

it('[MQTT-4.12.0-1] a method that the hub does not have is refused with 0x8C', async () => {
  const properties = {
    authenticationMethod: 'SCRAM-SHA-1',
    authenticationData: Buffer.from('n,,n=alice,r=x'),
  };
  const client = mqtt.connect(url('TCP'), { protocolVersion: 5, reconnectPeriod: 0, properties });
  open.push(client);
  const [error] = (await once(client as never, 'error')) as [{ code: number }];
  expect(error.code).toBe(0x8c);
});

it('a session is its principal’s at every door', async () => {
  const options: IClientOptions = {
    clientId: unique(),
    clean: false,
    properties: { sessionExpiryInterval: 100 },
  };
  const first = scramLogin(url('TCP'), 'alice', 'pencil', options);
  await first.outcome;
  await first.client.endAsync();
  for (const door of ['TCP', 'WebSocket'] as const)
    expect(await scramLogin(url(door), 'bob', 'eraser', options).outcome).toMatchObject({ code: 0x87 });
  const back = await scramLogin(url('WebSocket'), 'alice', 'pencil', options).outcome;
  expect(back).toMatchObject({ reasonCode: 0, sessionPresent: true });
});

it('a client without a method is served as before', async () => {
  const client = await mqtt.connectAsync(url('TCP'), { protocolVersion: 5, reconnectPeriod: 0 });
  open.push(client);
  expect(client.connected).toBe(true);
});
