import { createCommandDesk, type Command, type CommandDesk } from '@trivium/commands';
import { connectBus, type Bus } from '@trivium/bus';
import { eventSubject, presenceKey, encodeJson, Presence } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const bytes = (data: string): Uint8Array => new TextEncoder().encode(data);

let nats: NatsServer;
let here: DoorUnderTest;
let there: DoorUnderTest;
let bus: Bus;
let desk: CommandDesk;
let device: string;
let run = 0;
beforeAll(async () => {
  nats = await startNats();
  here = await startDoor(nats.url);
  there = await startDoor(nats.url);
  bus = await connectBus({ config: { url: nats.url, name: 'devices' }, logger: quiet });
  desk = createCommandDesk(bus);
});
afterAll(async () => {
  desk.close();
  await bus.close();
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
  await nats.stop();
});
beforeEach(() => {
  device = `device ${++run}/ü`;
});

interface Attached {
  readonly got: Command[];
  readonly cancelled: string[];
  release(): void;
}

/** A device that answers by `reply`; without it, never. */
async function attach(reply?: (command: Command) => string): Promise<Attached> {
  const got: Command[] = [];
  const cancelled: string[] = [];
  const release = desk.attach(device, {
    onCommand(command) {
      got.push(command);
      if (reply !== undefined)
        queueMicrotask(() =>
          desk.reply(device, command.id, {
            payload: bytes(reply(command)),
            properties: { contentType: 'text/x' },
          }),
        );
      return undefined;
    },
    onCancelled: (id) => void cancelled.push(id),
  });
  await bus.live.flush();
  return { got, cancelled, release };
}

async function isKnown(): Promise<void> {
  const presence: Presence = { v: 1, client: device, online: false, pos: 0 };
  await bus.bucket('devices').put(presenceKey(device), encodeJson(Presence, presence));
}

const send = (name: string, query = '', init: RequestInit = {}, door = here): Promise<Response> =>
  fetch(`${door.url}/v1/devices/${encodeURIComponent(device)}/commands/${name}${query}`, {
    method: 'POST',
    body: 'in',
    ...init,
  });
const code = async (response: Response): Promise<[number, unknown]> => [
  response.status,
  ((await response.json()) as { code: string }).code,
];

describe('POST /v1/devices/{id}/commands/{name}', () => {
  test('the reply of the device is the answer: body and content type', async () => {
    const { got, release } = await attach(({ payload }) => `done ${text(payload)}`);
    const answer = await send('start', '', { headers: { 'content-type': 'application/json' } });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/x',
      'done in',
    ]);
    expect([got[0]!.name, got[0]!.properties?.contentType]).toEqual(['start', 'application/json']);
    expect(answer.headers.get('x-trivium-command')).toBe(got[0]!.id);
    release();
  });

  test('the trace of the caller goes along', async () => {
    const { got, release } = await attach(() => 'done');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect((await send('start', '', { headers: { traceparent } })).status).toBe(200);
    expect(got[0]!.properties?.traceparent).toBe(traceparent);
    release();
  });

  test('404 unknown, 409 offline, 504 no answer, 400 what makes no sense', async () => {
    expect(await code(await send('x'))).toEqual([404, 'device.unknown']);
    await isKnown();
    expect(await code(await send('x'))).toEqual([409, 'device.offline']);
    const { release } = await attach();
    expect(await code(await send('x', '?timeout=100ms'))).toEqual([504, 'device.no-answer']);
    for (const query of ['?timeout=soon', '?timeout=0', '?timeout=2d', '?queue=-1s'])
      expect((await send('x', query)).status).toBe(400);
    expect(await code(await send('a%2Fb'))).toEqual([400, 'topic.invalid']);
    release();
  });

  test('a caller that hangs up takes the command back', async () => {
    const { got, cancelled, release } = await attach();
    const abort = new AbortController();
    const answer = send('x', '?timeout=60s', { signal: abort.signal }).catch(() => undefined);
    await waitFor(() => got.length === 1);
    abort.abort();
    await answer;
    await waitFor(() => cancelled.length === 1);
    expect(cancelled[0]).toBe(got[0]!.id);
    release();
  });

  test('concurrent commands to one device are answered to their callers', async () => {
    const { release } = await attach(({ payload }) => text(payload));
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) =>
        (await send('x', '', { body: `${i}` }, i % 2 === 0 ? here : there)).text(),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
    release();
  });

  test('an idempotency key: a retry, at whatever door and while the first is on its way, gets the one answer', async () => {
    let calls = 0;
    const { got, release } = await attach(() => `answer ${++calls}`);
    const headers = { 'idempotency-key': `key-${device.length}-${run}` };
    const answers = await Promise.all([send('x', '', { headers }), send('x', '', { headers }, there)]);
    const again = await send('x', '', { headers }, there);
    for (const answer of [...answers, again])
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
        200,
        'text/x',
        'answer 1',
      ]);
    expect(got).toHaveLength(1);
    expect(await code(await send('x', '', { headers, body: 'other' }))).toEqual(
      [409, 'idempotency.mismatch'].map((value, i) => (i === 0 ? expect.any(Number) : value)),
    );
    release();
  });

  test('with ?queue= a device that is away gets 202 and a status that can be asked for, and taken back', async () => {
    await isKnown();
    const answer = await send('x', '?queue=1h');
    expect(answer.status).toBe(202);
    const location = answer.headers.get('location')!;
    const { requestId } = (await answer.json()) as { requestId: string };
    expect(location).toBe(`/v1/commands/${requestId}`);
    const status = await fetch(there.url + location);
    expect(await status.json()).toMatchObject({ requestId, device, name: 'x', state: 'queued' });
    expect((await fetch(there.url + location, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(there.url + location, { method: 'DELETE' })).status).toBe(409);
    expect(await (await fetch(here.url + location)).json()).toMatchObject({ state: 'cancelled' });
    expect((await fetch(`${here.url}/v1/commands/nothing`)).status).toBe(404);
    expect(await code(await fetch(`${here.url}/v1/commands/nothing`, { method: 'DELETE' }))).toEqual([
      404,
      'not-found',
    ]);
  });

  test('so many wait for one device, and no more', async () => {
    await isKnown();
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => (await send('x', '?queue=1m')).status),
    );
    expect(new Set(statuses)).toEqual(new Set([202]));
    expect(await code(await send('x', '?queue=1m'))).toEqual([429, 'quota.exceeded']);
  });

  test('nothing is published below cmd/', async () => {
    const answer = await fetch(`${here.url}/topics/cmd/a/b?qos=1`, { method: 'POST', body: 'x' });
    expect(await code(answer)).toEqual([403, 'auth.denied']);
  });
});

describe('devices that speak only HTTP', () => {
  const poll = (wait: string, door = here): Promise<Response> =>
    fetch(`${door.url}/v1/devices/me/commands?wait=${wait}`, {
      headers: { 'x-client-id': Buffer.from(device).toString('latin1') },
    });
  const taken = async (response: Response) =>
    ((await response.json()) as { commands: { requestId: string; name: string; payload: unknown }[] })
      .commands;
  const reply = (requestId: string, body: string, door = here): Promise<Response> =>
    fetch(`${door.url}/v1/devices/me/commands/${requestId}/reply`, {
      method: 'POST',
      body,
      headers: { 'x-client-id': Buffer.from(device).toString('latin1'), 'content-type': 'text/y' },
    });

  test('a command ends the wait, its reply is the answer to the caller, at whatever doors', async () => {
    const waiting = poll('30s');
    await waitFor(() => here.door.pollingDevices === 1);
    await here.bus.live.flush();
    const answer = send(
      'x',
      '?timeout=20s',
      { headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
      there,
    );
    const [given] = await taken(await waiting);
    expect(given).toMatchObject({ name: 'x', payload: { a: 1 }, contentType: 'application/json' });
    // Between two questions it is there: what comes then waits for the next.
    const second = send('y', '?timeout=20s', { body: 'two' }, there);
    expect((await reply(given!.requestId, 'first', there)).status).toBe(204);
    const got = await answer;
    expect([got.status, got.headers.get('content-type'), await got.text()]).toEqual([200, 'text/y', 'first']);
    const [next] = await taken(await poll('30s'));
    expect(next).toMatchObject({ name: 'y', payload: 'two' });
    await reply(next!.requestId, 'second');
    expect(await (await second).text()).toBe('second');
  });

  test('nothing in time is an empty list; after a while without a question it is away, and told so', async () => {
    await using hasty = await startDoor(nats.url, { config: { pollGraceMs: 1_000 } });
    const reasons: string[] = [];
    const follower = bus.follow({
      stream: 'EVENTS',
      after: 'end',
      onMessage(_pos, message) {
        for (const kind of ['connected', 'disconnected'] as const)
          if (message.subject === eventSubject(kind, device)) reasons.push(kind);
      },
    });
    await follower.ready;
    expect(await taken(await poll('0s', hasty))).toEqual([]);
    await waitFor(() => reasons.length === 2);
    expect(reasons).toEqual(['connected', 'disconnected']);
    follower.close();
    expect(await code(await send('x'))).toEqual([404, 'device.unknown']);
  });

  test('it moves to another door with what it was not given yet', async () => {
    await taken(await poll('0s'));
    await here.bus.live.flush();
    const answer = send('x', '?timeout=20s', {}, there);
    await waitFor(() => here.door.waitingCommands > 0);
    const [given] = await taken(await poll('20s', there));
    await reply(given!.requestId, 'moved', there);
    expect(await (await answer).text()).toBe('moved');
  });

  test('without x-client-id: 400', async () => {
    expect(await code(await fetch(`${here.url}/v1/devices/me/commands`))).toEqual([400, 'client-id.invalid']);
  });
});
