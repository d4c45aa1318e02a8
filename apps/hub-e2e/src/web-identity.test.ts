import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createClient, type Message } from '@trivium/client';
import { repoRoot, waitFor } from '@trivium/testing';
import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBrowser, type RealBrowser } from './browser/real-browser.ts';
import { serveCheckout, type StaticServer } from './browser/static-server.ts';
import { startHub, type TestHub } from './hub.ts';

/** A hub that lets nobody in anonymously, and clients of the web. */
let hub: TestHub;
let browser: RealBrowser;
let server: StaticServer;
/** An application's. */
let key: string;
/** Of the device `lamp`. */
let password: string;

const run = promisify(execFile);

/** `npx trivium …`, as an administrator calls it. */
async function trivium(...words: string[]): Promise<Record<string, string>> {
  const { dataDir, nats, http } = hub.addresses;
  const env = {
    ...process.env,
    TRIVIUM_DATA_DIR: dataDir,
    TRIVIUM_NATS_URL: `nats://127.0.0.1:${nats}`,
    TRIVIUM_HTTP_PORT: String(http),
  };
  const args = ['tools/trivium/src/main.ts', ...words, '--json'];
  const { stdout } = await run('node', args, { cwd: repoRoot(), env });
  return JSON.parse(stdout) as Record<string, string>;
}

const url = (): string => `ws://127.0.0.1:${hub.addresses.ws}/`;
const http = (path: string): string => `http://127.0.0.1:${hub.addresses.http}${path}`;
async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['-s', '-w', '\n%{http_code}', ...args]);
  return stdout;
}

beforeAll(async () => {
  [hub, browser, server] = await Promise.all([
    startHub({ env: { TRIVIUM_AUTH_REQUIRED: 'true' } }),
    startBrowser(),
    serveCheckout({ '/': '<!doctype html><title>web</title><link rel="icon" href="data:," />' }),
  ]);
  key = (await trivium('keys', 'create', 'app', '--groups', 'operators'))['key']!;
  password = (await trivium('devices', 'create', 'lamp'))['password']!;
  await waitFor(
    async () => (await curl('-u', `lamp:${password}`, http('/retainedMessage'))).endsWith('\n200'),
    {
      ...{ timeoutMs: 60_000, intervalMs: 1_000 },
    },
  );
}, 300_000);
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await hub?.[Symbol.asyncDispose]();
});

test('curl: nobody without credentials, a key, a password; each does what it may', async () => {
  const post = (topic: string, ...args: string[]) =>
    curl('-d', 'on', http(`/topics/${topic}?qos=1`), ...args);
  expect(await post('home/lamp')).toMatch(/"auth.required".*\n401$/s);
  expect(await post('home/lamp', '-u', 'lamp:wrong')).toMatch(/"auth.failed".*\n401$/s);
  expect(await post('home/lamp', '-u', `lamp:${password}`)).toMatch(/"OK".*\n200$/s);
  expect(await post('home/lamp', '-H', `Authorization: Bearer ${key}`)).toMatch(/"OK".*\n200$/s);
  expect(await post('$home/lamp', '-u', `lamp:${password}`)).toMatch(/"auth.denied".*\n403$/s);
  expect(await curl(http('/v1/devices'), '-u', `lamp:${password}`)).toMatch(/"auth.denied".*\n403$/s);
});

test('EventSource, which sets no headers', async () => {
  const source = new EventSource(http(`/v1/stream?filter=events/%23&access_token=${key}`));
  const heard: string[] = [];
  source.onmessage = ({ data }: { data: string }) => void heard.push(data);
  await waitFor(() => source.readyState === EventSource.OPEN, { timeoutMs: 30_000 });
  await curl('-d', 'here', http('/topics/events/1?qos=1'), '-u', `lamp:${password}`);
  await waitFor(() => heard.some((data) => data.includes('here')), { timeoutMs: 30_000 });
  source.close();
});

test('a web page: by a subprotocol and by the first frame, and hears why it is refused', async () => {
  const { page } = await browser.open(server.url);
  const encoded = Buffer.from(key).toString('base64url');
  const first = JSON.stringify({ op: 'auth', user: 'lamp', password });
  const wrong = JSON.stringify({ op: 'auth', user: 'lamp', password: 'wrong' });
  const tries: [offered: string[], frame: string | undefined][] = [
    [['trivium.v1', `trivium.token.${encoded}`], undefined],
    [['trivium.v1'], first],
    [['trivium.v1'], wrong],
    [['trivium.v1', `trivium.token.${Buffer.from('nothing').toString('base64url')}`], undefined],
  ];
  const outcomes: unknown[] = [];
  for (const [offered, frame] of tries)
    outcomes.push(
      await page.evaluate(
        ([address, subprotocols, said]) =>
          new Promise((resolve) => {
            const ws = new WebSocket(address, subprotocols);
            if (said !== undefined) ws.onopen = () => ws.send(said);
            ws.onmessage = ({ data }) => {
              resolve([ws.protocol, (JSON.parse(data as string) as { op: string }).op]);
              ws.close();
            };
            ws.onclose = ({ code, reason }) => resolve([code, reason.split(':')[0]]);
          }),
        [url(), offered, frame] as const,
      ),
    );
  expect(outcomes).toEqual([
    ['trivium.v1', 'ok'],
    ['trivium.v1', 'ok'],
    [4401, 'auth.failed'],
    [4401, 'auth.failed'],
  ]);
});

test('the client library is in again after a kill -9 of its door, and out when its device is disabled', async () => {
  let asked = 0;
  const app = createClient({ url: url(), clientId: 'app', token: async () => (asked++, key) });
  const lamp = createClient({ url: url(), clientId: 'lamp', user: 'lamp', password });
  const heard: Message[] = [];
  await app.subscribe('home/#', (message) => void heard.push(message));
  lamp.onCommand('blink', () => 'blinked');
  await lamp.publish('home/lamp', 'before');
  await hub.killAndWait('ws-ingress', hub.addresses.admin.ws);
  await lamp.publish('home/lamp', 'after');
  await waitFor(() => heard.some(({ payload }) => payload === 'after'), { timeoutMs: 60_000 });
  expect(asked).toBeGreaterThan(1);
  expect((await app.command('lamp', 'blink', undefined, { timeoutMs: 60_000 })).payload).toBe('blinked');
  await expect(lamp.command('app', 'x')).rejects.toMatchObject({ code: 'auth.denied' });

  const ends: { code: number; reason: string; retryInMs: number | undefined }[] = [];
  lamp.on('disconnected', (how) => void ends.push(how));
  await trivium('devices', 'disable', 'lamp');
  const [end] = await waitFor(() => (ends.length > 0 ? ends : undefined), { timeoutMs: 30_000 });
  expect(end).toEqual({ code: 4403, reason: expect.stringMatching(/^auth.denied: /), retryInMs: undefined });
  await expect(lamp.publish('home/lamp', 'x')).rejects.toMatchObject({ code: 'auth.denied' });
  await app.close();
}, 180_000);

test('a wrong password is told, and not tried again and again', async () => {
  const client = createClient({ url: url(), user: 'lamp', password: 'wrong' });
  await expect(client.publish('a', 'x')).rejects.toMatchObject({ code: 'auth.failed' });
});
