// A hub that lets nobody in anonymously and has TLS, with certificates of `npx trivium certs`, as programs that are not ours meet it.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import {
  repoRoot,
  startProcess,
  tempDir,
  testAuthority,
  waitFor,
  type TestCertificate,
} from '@trivium/testing';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEVICE_TOOLS, type Login } from './clients/device-tools.ts';
import { installed } from './clients/installed.ts';
import { connectMqtt } from './clients/mqtt-js.ts';
import { startHub, type TestHub } from './hub.ts';
import { trivium, triviumWith, type TriviumCommand } from './trivium-command.ts';

const run = promisify(execFile);
const PASSWORD = 'correct horse battery staple';
/** Long enough for doors to hear of a change, and to look at their files. */
const SOON = { timeoutMs: 60_000, intervalMs: 250 };

const open = new AsyncDisposableStack();
let hub: TestHub;
let command: TriviumCommand;
let certs: string;
let ca: string;
let key: string;
/** Of `pump`, by an authority that the hub does not know. */
let stranger: TestCertificate;

const filesOf = (name: string) => ({
  cert: join(certs, 'devices', `${name}.cert.pem`),
  key: join(certs, 'devices', `${name}.key.pem`),
});
const serverCommand = ['certs', 'server', '--name', 'localhost', '--name', '127.0.0.1'];

beforeAll(async () => {
  const { path } = open.use(await tempDir());
  certs = join(path, 'certs');
  ca = join(certs, 'ca.cert.pem');
  const offline = triviumWith({});
  const into = ['--out', certs];
  await offline(['certs', 'ca', ...into]);
  await Promise.all([
    offline([...serverCommand, ...into]),
    ...['pump', 'lost'].map((name) => offline(['certs', 'device', name, ...into])),
  ]);
  stranger = await (await testAuthority(path, 'another authority')).issue('pump');
  const server = join(certs, 'servers', 'localhost');
  const env = {
    TRIVIUM_AUTH_REQUIRED: 'true',
    TRIVIUM_TLS_CERT: `${server}.cert.pem`,
    TRIVIUM_TLS_KEY: `${server}.key.pem`,
    TRIVIUM_TLS_CLIENT_CA: ca,
    TRIVIUM_TLS_CLIENT_CERTIFICATES: 'optional',
    TRIVIUM_TLS_REVOCATION_LIST: join(certs, 'revoked.crl.pem'),
  };
  hub = open.use(await startHub({ dataDir: path, env }));
  command = trivium(hub, path);
  const fleet = join(path, 'fleet.csv');
  const names = ['lamp', 'dimmed-mosquitto', 'dimmed-paho'];
  await writeFile(fleet, ['name,password', ...names.map((name) => `${name},${PASSWORD}`), ''].join('\n'));
  await command(['devices', 'create', '--file', fleet]);
  const made = JSON.parse(await command(['keys', 'create', 'app', '--groups', 'operators', '--json'])) as {
    key: string;
  };
  ({ key } = made);
  await waitFor(async () => (await curl('-u', `lamp:${PASSWORD}`)) === '200', SOON);
});
afterAll(() => open.disposeAsync());

const curlCommand = installed('curl');

/** Status of a call over HTTPS; 000 when there was none, and its reason. */
async function curl(...more: string[]): Promise<string> {
  const args = ['-s', '--cacert', ca, '-o', '/dev/null', '-w', '%{http_code}', ...more];
  const url = `https://127.0.0.1:${hub.addresses.tls.http}/retainedMessage`;
  const done = await run(await curlCommand(), [...args, url]).catch((error: { stdout: string }) => error);
  return done.stdout;
}
const showing = (files: { cert: string; key: string }) => ['--cert', files.cert, '--key', files.key];

describe('curl', () => {
  test('by a user name and password, a key or a certificate of its own; and not without', async () => {
    expect(await curl()).toBe('401');
    expect(await curl('-u', `lamp:${PASSWORD}`)).toBe('200');
    expect(await curl('-u', 'lamp:wrong')).toBe('401');
    expect(await curl('-H', `Authorization: Bearer ${key}`)).toBe('200');
    expect(await curl('-H', `Authorization: Bearer ${key.slice(0, -1)}`)).toBe('401');
    expect(await curl(...showing(filesOf('pump')))).toBe('200');
  });

  test('a certificate of another authority is cut off, and so is the hub without the authority of its own', async () => {
    expect(await curl(...showing({ cert: stranger.certFile, key: stranger.keyFile }))).toBe('000');
    expect(await curl('--cacert', '/etc/hostname', '-u', `lamp:${PASSWORD}`)).toBe('000');
  });
});

/** MQTT.js over TLS, as a WebSocket. */
async function wss(more: Parameters<typeof connectMqtt>[1] = {}): Promise<MqttClient> {
  const url = `wss://localhost:${hub.addresses.tls.ws}/mqtt`;
  return connectMqtt(url, { protocolVersion: 5, ca: await readFile(ca), ...more });
}
async function wssShowing(name: string): Promise<MqttClient> {
  const files = filesOf(name);
  return wss({ cert: await readFile(files.cert), key: await readFile(files.key), clientId: name });
}

describe('MQTT.js over wss', () => {
  test('one by user name and password, one by a certificate: they hear each other', async () => {
    const lamp = await wss({ username: 'lamp', password: PASSWORD, clientId: 'lamp' });
    const pump = await wssShowing('pump');
    const heard: string[] = [];
    for (const client of [lamp, pump])
      client.on('message', (_topic, payload) => void heard.push(`${client.options.clientId}: ${payload}`));
    await lamp.subscribeAsync('wss/pump', { qos: 1 });
    await pump.subscribeAsync('wss/lamp', { qos: 1 });
    await lamp.publishAsync('wss/lamp', 'on', { qos: 1 });
    await pump.publishAsync('wss/pump', 'fast', { qos: 1 });
    await waitFor(() => heard.length === 2);
    expect(heard.toSorted()).toEqual(['lamp: fast', 'pump: on']);
    await Promise.all([lamp.endAsync(), pump.endAsync()]);
  });

  test('nobody else: without credentials, with a wrong password, by a certificate of a stranger, or without our authority', async () => {
    await expect(wss()).rejects.toMatchObject({ code: 0x87 });
    await expect(wss({ username: 'lamp', password: 'wrong' })).rejects.toMatchObject({ code: 0x86 });
    await expect(wss({ cert: stranger.cert, key: stranger.key })).rejects.toThrow();
    await expect(wss({ username: 'lamp', password: PASSWORD, ca: stranger.cert })).rejects.toThrow(
      /certificate/,
    );
  });

  test('a new certificate of the door is used without a restart, and who is connected stays', async () => {
    const shown = async (): Promise<string> => {
      const socket = connectTls({ port: hub.addresses.tls.ws, host: 'localhost', ca: await readFile(ca) });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await shown();
    const pid = hub.pidOf('ws-ingress');
    const client = await wssShowing('pump');
    await command([...serverCommand, '--out', certs, '--force']);
    await waitFor(async () => (await shown()) !== before, SOON);
    await client.publishAsync('wss/still', 'here', { qos: 1 });
    await client.endAsync();
    const next = await wss({ username: 'lamp', password: PASSWORD, clientId: 'lamp' });
    await next.endAsync();
    expect(hub.pidOf('ws-ingress')).toBe(pid);
  });
});

describe.each(DEVICE_TOOLS)('$name', (tool) => {
  const plain = (): Login => ({ host: '127.0.0.1', port: hub.addresses.mqtt });
  const secure = (): Login => ({ host: 'localhost', port: hub.addresses.tls.mqtt, cafile: ca });
  const lamp = { username: 'lamp', password: PASSWORD };
  const ways: [string, () => Login][] = [
    ['by user name and password', () => ({ ...plain(), ...lamp })],
    ['over TLS by user name and password', () => ({ ...secure(), ...lamp })],
    ['over TLS by a certificate', () => ({ ...secure(), ...filesOf('pump') })],
  ];

  test.each(ways)('%s it publishes and subscribes', async (_way, login) => {
    const topic = `tools/${tool.name}/${Math.random().toString(36).slice(2)}`;
    await using sub = await tool.subscribe(login(), topic);
    expect(await tool.publish(login(), topic, 'it came')).toBe(true);
    await waitFor(() => sub.heard('it came'), { message: () => sub.process.output() });
  });

  test('it does not without credentials, with wrong ones, or with a certificate of another authority', async () => {
    const others: Login[] = [
      plain(),
      { ...plain(), ...lamp, password: 'wrong' },
      { ...plain(), ...lamp, username: 'nobody' },
      secure(),
      { ...secure(), ...lamp, password: 'wrong' },
      { ...secure(), cert: stranger.certFile, key: stranger.keyFile },
      { ...secure(), ...lamp, cafile: join(certs, '..', 'another-authority.cert.pem') },
    ];
    const done = await Promise.all(others.map((login) => tool.publish(login, 'tools/refused', 'x')));
    expect(done).toEqual(others.map(() => false));
  });

  test('its connection ends when its device is disabled, and it is not let in again', async () => {
    const name = `dimmed-${tool.name.split(' ')[0]}`;
    const login = { ...plain(), username: name, password: PASSWORD };
    await using sub = await tool.subscribe(login, 'tools/disabled');
    await command(['devices', 'disable', name]);
    // The program comes back by itself, and ends when it is refused.
    await waitFor(() => sub.process.exit() !== undefined, { ...SOON, message: () => sub.process.output() });
    expect(await tool.publish(login, 'tools/disabled', 'x')).toBe(false);
  });
});

describe('npx trivium over HTTPS', () => {
  const place = () => ['--url', `https://localhost:${hub.addresses.tls.http}`, '--cafile', ca];
  const npx = (...args: string[]) =>
    startProcess({ command: 'npx', args: ['trivium', ...args, ...place()], cwd: repoRoot() });

  test('pub and sub, by a password, a key and a certificate', async () => {
    const { cert, key: keyFile } = filesOf('pump');
    await using sub = await npx('sub', 'cli/#', '--verbose', '--count', '3', '--user', `lamp:${PASSWORD}`);
    await waitFor(() => sub.stderr().includes('subscribed'), { ...SOON, message: () => sub.output() });
    const byPassword = await npx('pub', 'cli/0', '-m', 'x', '--user', `lamp:${PASSWORD}`);
    const told = await Promise.all([
      byPassword.exited.then(() => byPassword.output()),
      command(['pub', 'cli/1', '-m', 'x', '--token', key, ...place()]),
      command(['pub', 'cli/2', '-m', 'x', '--cert', cert, '--key', keyFile, ...place()]),
    ]);
    expect(told).toEqual([0, 1, 2].map((n) => `cli/${n}: stored\n`));
    expect(await sub.exited).toMatchObject({ code: 0 });
    expect(sub.stdout().split('\n').toSorted()).toEqual(['', 'cli/0 x', 'cli/1 x', 'cli/2 x']);
  });

  test('no without credentials, and none to a door whose authority it is not told', async () => {
    const pub = ['pub', 'cli/no', '-m', 'x'];
    const unknown = [...place().slice(0, 2), '--user', `lamp:${PASSWORD}`];
    await Promise.all([
      expect(command([...pub, ...place()])).rejects.toThrow(/exited with 1:\n.*auth.required/),
      expect(command([...pub, ...unknown])).rejects.toThrow(/exited with 1:\n.*certificate/),
    ]);
  });

  test('doctor looks at the certificates of the doors, and finds nothing to mend', async () => {
    const server = join(certs, 'servers', 'localhost');
    const examine = triviumWith({
      ...{ TRIVIUM_DATA_DIR: hub.addresses.dataDir, TRIVIUM_AUTH_REQUIRED: 'true' },
      ...{ TRIVIUM_PORT_OFFSET: String(hub.addresses.nats - 4222) },
      ...{ TRIVIUM_TLS_CERT: `${server}.cert.pem`, TRIVIUM_TLS_KEY: `${server}.key.pem` },
      ...{ TRIVIUM_TLS_CLIENT_CA: ca, TRIVIUM_TLS_CLIENT_CERTIFICATES: 'optional' },
      TRIVIUM_TLS_REVOCATION_LIST: join(certs, 'revoked.crl.pem'),
    });
    const report = await examine(['doctor']);
    expect(report).toMatch(/ok +certificates +tls\.cert .*CN=localhost.* is valid until/);
    expect(report).toMatch(/ok +certificates +tls\.clientCa .* is valid until/);
    expect(report).toMatch(/ok +certificates +tls\.revocationList .* has \d certificates/);
    expect(report).toMatch(/, 0 failures/);
  });
});

test('a certificate that is revoked: its live connection ends, and no door takes it any more', async () => {
  expect(await curl(...showing(filesOf('lost')))).toBe('200');
  const client = await wssShowing('lost');
  await command(['certs', 'revoke', filesOf('lost').cert, '--out', certs]);
  await waitFor(() => !client.connected, SOON);
  await waitFor(async () => (await curl(...showing(filesOf('lost')))) === '000', SOON);
  await expect(wssShowing('lost')).rejects.toThrow();
  for (const tool of DEVICE_TOOLS) {
    const login = { host: 'localhost', port: hub.addresses.tls.mqtt, cafile: ca, ...filesOf('lost') };
    // Each door reads its files by itself: this one may come to it later than those above.
    await waitFor(async () => !(await tool.publish(login, 'revoked', 'x')), SOON);
  }
  expect(await curl(...showing(filesOf('pump')))).toBe('200');
});
