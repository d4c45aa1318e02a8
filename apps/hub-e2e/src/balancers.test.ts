// Behind a balancer: who a client is told to be by the PROXY protocol counts, from balancers that are named and from nobody else.
import { execFile } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import {
  BALANCER_ADDRESS,
  proxyHeader,
  startBalancer,
  startDoorProcess,
  startNats,
  waitFor,
  type DoorProcess,
  type NatsServer,
} from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { installed } from './clients/installed.ts';

const run = promisify(execFile);
const curl = installed('curl');

/** What came of a connection: `in`, `closed` without a word, or the status that it was refused with and when to come back. */
type Outcome = { is: 'in' } | { is: 'closed' } | { is: 'refused'; status: number; retryAfter: string };

const IN: Outcome = { is: 'in' };
const CLOSED: Outcome = { is: 'closed' };
const refused = (status: number): unknown => expect.objectContaining({ is: 'refused', status });

async function byHttp(port: number): Promise<Outcome> {
  const told = ['-s', '-o', '/dev/null', '-w', '%{http_code} %header{retry-after}'];
  const url = `http://127.0.0.1:${port}/retainedMessage`;
  // It exits with an error when nothing is answered, and says 000.
  const { stdout } = await run(await curl(), [...told, url]).catch((error: { stdout: string }) => error);
  const [status = '', retryAfter = ''] = stdout.split(' ');
  if (status === '200') return IN;
  return status === '000' ? CLOSED : { is: 'refused', status: Number(status), retryAfter };
}

async function byWebSocket(port: number): Promise<Outcome> {
  // Who shows nothing would be asked for its first frame; a token of nobody is as good as none where anonymous clients are let in.
  const headers = { authorization: 'Bearer nothing' };
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, 'trivium.v1', { headers });
  const closed = new Promise((resolve) => ws.once('close', resolve));
  const outcome = await new Promise<Outcome>((resolve) => {
    ws.once('message', () => resolve(IN));
    ws.once('error', () => resolve(CLOSED));
    ws.once('unexpected-response', (_request, { statusCode, headers }: IncomingMessage) => {
      resolve({ is: 'refused', status: statusCode!, retryAfter: headers['retry-after'] ?? '' });
    });
  });
  ws.on('error', () => undefined);
  ws.terminate();
  await closed;
  return outcome;
}

let nats: NatsServer;
const doors = new Map<string, DoorProcess>();
beforeAll(async () => {
  nats = await startNats();
  const env = { TRIVIUM_PROXY_SOURCES: BALANCER_ADDRESS, TRIVIUM_LIMITS_CONNECTS_PER_SECOND_PER_SOURCE: '1' };
  for (const name of ['http', 'ws'] as const) doors.set(name, await startDoorProcess(name, nats.url, env));
});
afterAll(async () => {
  for (const door of doors.values()) await door[Symbol.asyncDispose]();
  await nats.stop();
});

let clients = 0;
/** Each test has clients of its own: they are counted. Those on loopback are let in without credentials. */
const nearAddress = (): string => `127.0.1.${++clients}`;
const farAddress = (): string => `198.51.100.${++clients}`;

describe.each([
  ['HTTP', 'http', byHttp],
  ['WebSocket', 'ws', byWebSocket],
] as const)('%s', (_name, door, connect) => {
  const port = (): number => doors.get(door)!.port;

  /** Connects through a balancer that says this first. */
  async function through(header: Uint8Array, from?: string): Promise<Outcome> {
    await using balancer = await startBalancer(port(), header, from);
    return await connect(balancer.port);
  }

  test.each(['v1', 'v2'] as const)('%s: a client comes from where the balancer says', async (version) => {
    const header = proxyHeader[version];
    expect(await through(header(nearAddress()))).toEqual(IN);
    // Not from this machine: it has to say who it is.
    expect(await through(header(farAddress()))).toEqual(refused(401));
  });

  test.each(['v1', 'v2'] as const)(
    '%s: that address is held to how often it may connect, is told when to come back, and let in then',
    async (version) => {
      const header = proxyHeader[version](nearAddress());
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => through(header)));
      // Five seconds' worth may come at once.
      expect(outcomes.filter(({ is }) => is === 'in').length).toBeGreaterThanOrEqual(5);
      const others = outcomes.filter(({ is }) => is !== 'in');
      expect(others[0]).toEqual({ is: 'refused', status: 429, retryAfter: '1' });
      expect(others).toEqual(Array(others.length).fill(others[0]));
      expect(await through(proxyHeader[version](nearAddress())), 'others are not').toEqual(IN);
      await waitFor(async () => (await through(header)).is === 'in', {
        ...{ timeoutMs: 30_000, intervalMs: 1_000 },
      });
    },
  );

  test.each(['v1', 'v2'] as const)('%s: nobody else is believed', async (version) => {
    expect(await through(proxyHeader[version](nearAddress()), '127.0.0.1')).toEqual(refused(400));
  });

  test.each([
    ['none', ''],
    ['of version 1 without a known family', 'PROXY TCP9 192.0.2.1 192.0.2.2 1 2\r\n'],
    ['of version 1 with an address that is none', 'PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n'],
    ['of version 1 that does not end', `PROXY TCP4 ${'1'.repeat(200)}`],
    ['of version 2 with another version', '\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c'],
    ['of version 2 that is shorter than its addresses', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04abcd'],
  ])('from a balancer a header must come, and be one: %s', async (_what, header) => {
    const counted = async (): Promise<number> => {
      const metrics = await doors.get(door)!.metrics();
      return Number(/^trivium_listener_proxy_refused_total\S* (\d+)$/m.exec(metrics)?.[1] ?? 0);
    };
    const before = await counted();
    expect(await through(Buffer.from(header, 'latin1'))).toEqual(CLOSED);
    expect(await counted()).toBe(before + 1);
  });
});
