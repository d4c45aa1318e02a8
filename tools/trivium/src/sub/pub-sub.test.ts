import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, type Bus } from '@trivium/bus';
import { clientToken, messageSubject, parseTopic, topicToTokens } from '@trivium/contracts';
import {
  repoRoot,
  startDoorProcess,
  startNats,
  startProcess,
  tempDir,
  waitFor,
  type DoorProcess,
  type NatsServer,
  type TempDir,
} from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Called } from '../call.fixture.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let nats: NatsServer;
let bus: Bus;
let door: DoorProcess;
let doorUrl: string;
let dir: TempDir;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
  door = await startDoorProcess('http', nats.url);
  doorUrl = `http://127.0.0.1:${door.port}`;
  dir = await tempDir();
}, 120_000);
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await bus.close();
  await nats.stop();
  await dir.remove();
});

interface Subscriber {
  readonly ended: Promise<Called>;
  err(): string;
}

/** `sub`, once it is subscribed. */
async function subscriber(...words: string[]): Promise<Subscriber> {
  let err = '';
  const ended = call(['sub', ...words, '--verbose', '--url', doorUrl], {
    encoding: 'latin1',
    onErr: (text) => (err += text),
  });
  await waitFor(() => err.includes('subscribed'), { timeoutMs: 30_000, message: () => err });
  return { ended, err: () => err };
}

const pub = (words: readonly string[], stdin?: Buffer): Promise<Called> =>
  call(['pub', ...words, '--url', doorUrl], stdin === undefined ? {} : { stdin });

async function stored(name: string, text: string): Promise<void> {
  const topic = parseTopic(name);
  if (!topic.ok) throw topic.error;
  const subject = messageSubject(1, clientToken('m1'), topicToTokens(topic.value));
  await bus.publisher.store(subject, Buffer.from(text));
}

describe('pub and sub through a door', () => {
  test('texts, files and standard input come out as they went in', async () => {
    const file = join(dir.path, 'payload');
    writeFileSync(file, Buffer.from([0, 255, 10, 1]));
    const reader = await subscriber('in/+', '--count', '4');
    expect(await pub(['in/a', '-m', 'hello'])).toEqual({ code: 0, out: 'in/a: stored\n', err: '' });
    expect((await pub(['in/b', '-f', file])).code).toBe(0);
    expect((await pub(['in/c', '-'], Buffer.from('{"n":1.0}'))).code).toBe(0);
    expect((await pub(['in/d', '-m', ''])).code).toBe(0);
    const { code, out } = await reader.ended;
    expect(code).toBe(0);
    expect(out).toBe('in/a hello\nin/b \x00\xff\n\x01\nin/c {"n":1.0}\nin/d \n');
  });

  test('as JSON a message is one line, with what it says about itself', async () => {
    const reader = await subscriber('json/#', '--count', '1', '--json');
    const words = ['json/a', '-m', '{\n"n": 12345678901234567890 }', '--content-type', 'application/json'];
    const sent = await pub([...words, '--property', 'a=b=c', '--property', 'a=d', '--json']);
    expect(JSON.parse(sent.out)).toMatchObject({ message: 'OK' });
    const { out } = await reader.ended;
    expect(out).toContain('12345678901234567890');
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject({
      ...{ op: 'msg', topic: 'json/a', qos: 1, retain: false, contentType: 'application/json' },
      properties: {
        userProperties: [
          ['a', 'b=c'],
          ['a', 'd'],
        ],
      },
    });
  });

  test('what is retained comes first when it is asked for', async () => {
    expect((await pub(['kept/a', '-m', 'old', '--retain'])).code).toBe(0);
    const reader = await subscriber('kept/#', '--retained', '--count', '1');
    expect((await reader.ended).out).toBe('kept/a old\n');
  });

  test('QoS 0 in, QoS 0 out', async () => {
    const reader = await subscriber('live/#', '--qos', '0', '--count', '1');
    expect(await pub(['live/a', '-m', 'x', '--qos', '0'])).toMatchObject({ code: 0, out: 'live/a: sent\n' });
    expect((await reader.ended).out).toBe('live/a x\n');
  });

  test('goes on after kill -9 of its door: nothing missed, nothing twice', async () => {
    const reader = await subscriber('resume/#', '--count', '60');
    for (let n = 0; n < 20; n++) await stored('resume/a', String(n));
    await door.kill();
    await waitFor(() => reader.err().includes('again in'), { timeoutMs: 30_000 });
    for (let n = 20; n < 40; n++) await stored('resume/a', String(n));
    await door.start();
    for (let n = 40; n < 60; n++) await stored('resume/a', String(n));
    const { code, out } = await reader.ended;
    expect(code).toBe(0);
    expect(out).toBe(Array.from({ length: 60 }, (_, n) => `resume/a ${n}\n`).join(''));
  }, 120_000);

  test('a time-out ends with 1 when not all came', async () => {
    const none = await call(['sub', 'nothing/here', '--timeout', '200ms', '--url', doorUrl]);
    expect(none).toEqual({ code: 1, out: '', err: '' });
    await stored('some/a', '1');
    const some = ['sub', 'some/a', '--from', '1', '--timeout', '3s', '--url', doorUrl];
    expect(await call([...some, '--count', '2'])).toMatchObject({ code: 1, out: '1\n' });
    expect(await call(some)).toMatchObject({ code: 0, out: '1\n' });
  }, 120_000);

  test('runs by its name, and finds the door by hub.json of the data directory', async () => {
    const processes = [{ name: 'http-ingress', pid: 1, address: doorUrl }];
    writeFileSync(join(dir.path, 'hub.json'), JSON.stringify({ launcher: { pid: 1 }, processes }));
    const process = await startProcess({
      command: 'npx',
      args: ['trivium', 'pub', 'by/name', '-m', 'x'],
      cwd: repoRoot(),
      env: { TRIVIUM_DATA_DIR: dir.path },
    });
    expect(await process.exited).toMatchObject({ code: 0 });
    expect(process.stdout()).toBe('by/name: stored\n');
  }, 120_000);
});

describe('credentials', () => {
  /** Answers every request with 401 and keeps what was shown. */
  async function guarded(): Promise<{ url: string; shown: string[]; server: Server }> {
    const shown: string[] = [];
    const server = createServer((request, response) => {
      shown.push(request.headers.authorization ?? '');
      request.resume();
      response.writeHead(401, { 'content-type': 'application/problem+json' });
      response.end('{"detail":"wrong user name or password","code":"auth.failed"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, shown, server };
  }

  test('are shown as Basic or Bearer; a no ends with 1, in the words of the door and without a secret', async () => {
    const { url, shown, server } = await guarded();
    const env = { TRIVIUM_TOKEN: 'tvk_env', TRIVIUM_PASSWORD: 'secret-of-env' };
    try {
      for (const how of [['--user', 'pump:se:cret'], ['--user', 'pump'], ['--token', 'tvk_said'], []])
        for (const words of [
          ['pub', 'a', '-m', 'x'],
          ['sub', 'a'],
        ]) {
          const { code, err } = await call([...words, ...how, '--url', url], { env });
          expect(code).toBe(1);
          expect(err).toBe('trivium: auth.failed: wrong user name or password (HTTP 401)\n');
        }
    } finally {
      server.close();
    }
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    const expected = [
      basic('pump:se:cret'),
      basic('pump:secret-of-env'),
      'Bearer tvk_said',
      'Bearer tvk_env',
    ];
    expect(shown).toEqual(expected.flatMap((one) => [one, one]));
  });
});

describe('what cannot be', () => {
  test.each([
    [['pub'], 78, 'missing'],
    [['pub', 'a'], 78, 'payload'],
    [['pub', 'a', '-', '-m', 'x'], 78, 'payload'],
    [['pub', 'a', 'b'], 78, 'too many'],
    [['pub', 'a/+', '-m', 'x'], 78, 'wildcards'],
    [['pub', 'a', '-m', 'x', '--qos', '2'], 78, '--qos'],
    [['pub', 'a', '-m', 'x', '--property', 'x'], 78, '--property'],
    [['pub', 'a', '-m', 'x', '--url', 'mqtt://h'], 78, 'HTTP door'],
    [['pub', 'a', '-m', 'x', '--url', 'h'], 78, 'no address'],
    [['pub', 'a', '-m', 'x', '--user', 'u'], 1, 'TRIVIUM_PASSWORD'],
    [['pub', 'a', '-m', 'x', '--cert', 'c'], 78, '--key'],
    [['pub', 'a', '-f', 'none.txt', '--url', 'http://127.0.0.1:1'], 1, 'none.txt'],
    [['pub', 'a', '-m', 'x', '--url', 'http://127.0.0.1:1'], 1, 'no answer'],
    [['sub', 'a', '--url', 'http://127.0.0.1:1'], 1, 'no answer'],
    [['sub', 'a/#/b'], 78, '#'],
    [['sub', 'a', '--count', '0'], 78, '--count'],
    [['sub', 'a', '--timeout', '5'], 78, '--timeout'],
    [['pub', '--help'], 0, ''],
    [['sub', '--help'], 0, ''],
  ] as const)('%j ends with %i', async (words, code, text) => {
    const result = await call(words);
    expect(result.code).toBe(code);
    expect(result.err).toContain(text);
  });
});
