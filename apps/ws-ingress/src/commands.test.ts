import { once } from 'node:events';
import { connectBus, type Bus } from '@trivium/bus';
import { createCommandCaller, type CommandCaller } from '@trivium/commands';
import type { MessageTracing } from '@trivium/telemetry';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, startDoor, type DoorUnderTest, type JsonClient } from './door-under-test.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let nats: NatsServer;
let one: DoorUnderTest;
let other: DoorUnderTest;
let bus: Bus;
let caller: CommandCaller;
let id: string;
let run = 0;
beforeAll(async () => {
  nats = await startNats();
  [one, other] = await Promise.all([startDoor(nats.url), startDoor(nats.url)]);
  bus = await connectBus({ config: { url: nats.url, name: 'caller' }, logger: quiet });
  caller = createCommandCaller(bus);
});
afterAll(async () => {
  caller.close();
  await bus.close();
  await one[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await nats.stop();
});
beforeEach(() => {
  id = `device ${++run}`;
});

/** A client that has been greeted. */
async function device(door: DoorUnderTest, name = id): Promise<JsonClient> {
  const client = await connect(`${door.url}/?clientId=${encodeURIComponent(name)}`);
  await client.seen({ op: 'ok' });
  return client;
}

const call = (timeoutMs = 20_000, name = id) =>
  caller.call(name, 'set', { payload: bytes('in') }, { timeoutMs });
const cmd = (more: object = {}) => ({ op: 'cmd', device: id, name: 'set', timeoutMs: 20_000, ...more });

describe('a command', () => {
  test('from a client at one door to one at another, and its reply back, every byte as it was', async () => {
    await using there = await device(other);
    await using here = await connect(one.url);
    const texts: string[] = [];
    here.ws.on('message', (data: Buffer) => void texts.push(data.toString()));
    const properties = { userProperties: [['k', 'v']] };
    const json = '{"n": 1.0,\n"big":12345678901234567890}';
    here.send(
      `{"op":"cmd","id":"mine","device":"${id}","name":"set","payload":${json},"contentType":"application/json"}`,
    );
    const came = await there.seen({ op: 'cmd' });
    expect(came).toMatchObject({ name: 'set', payload: { n: 1 }, contentType: 'application/json' });
    expect(came['id']).toMatch(/^[A-Za-z0-9]+-[a-z0-9]+$/);
    there.send(
      `{"op":"reply","id":"${came['id'] as string}","payload":${json},"contentType":"application/json","properties":${JSON.stringify(properties)}}`,
    );
    const reply = await here.seen({ op: 'reply' });
    expect(reply).toMatchObject({ id: 'mine', contentType: 'application/json', properties });
    expect(texts.find((text) => text.includes('"op":"reply"'))).toContain(`"payload":${json}`);
  });

  test('with bytes that are no text, and an id that is a number', async () => {
    await using there = await device(other);
    await using here = await connect(one.url);
    here.send(cmd({ id: 3, payloadBase64: 'AP8=' }));
    const came = await there.seen({ op: 'cmd' });
    expect(came['payloadBase64']).toBe('AP8=');
    there.send({ op: 'reply', id: came['id'], payloadBase64: '/wA=' });
    expect(await here.seen({ id: 3 })).toEqual({ op: 'reply', id: 3, payloadBase64: '/wA=' });
  });

  test('a client can be called when it has heard the first word, and hears nothing before it', async () => {
    for (let i = 0; i < 30; i++) {
      const name = `${id} ${i}`;
      const client = await connect(`${one.url}/?clientId=${encodeURIComponent(name)}`);
      const answers: string[] = [];
      client.ws.on('message', () => {
        const frame = client.frames.at(-1)!;
        answers.push(frame['op'] as string);
        if (frame['op'] === 'cmd') client.send({ op: 'reply', id: frame['id'], payload: 'done' });
      });
      await client.seen({ op: 'ok' });
      await call(20_000, name);
      expect(client.frames.map((frame) => frame['op'])).toEqual(['ok', 'cmd']);
      await client[Symbol.asyncDispose]();
    }
  });

  test('a client whose id we made up is no device', async () => {
    await using client = await connect(one.url);
    const { clientId } = await client.seen({ op: 'ok' });
    await expect(call(20_000, clientId as string)).rejects.toMatchObject({ code: 'device.unknown' });
  });

  test('the newest connection with an id takes its commands', async () => {
    await using first = await device(one);
    await using second = await device(other);
    await first[Symbol.asyncDispose]();
    const answer = call();
    const came = await second.seen({ op: 'cmd' });
    second.send({ op: 'reply', id: came['id'] });
    expect(await answer).toMatchObject({ payload: new Uint8Array(0) });
    expect(first.frames.some(({ op }) => op === 'cmd')).toBe(false);
  });

  test('the reply may come on another connection, at another door', async () => {
    const first = await device(one);
    const answer = call();
    const came = await first.seen({ op: 'cmd' });
    await first[Symbol.asyncDispose]();
    await using second = await device(other);
    second.send({ op: 'reply', id: came['id'], payload: 'late' });
    expect(Buffer.from((await answer).payload).toString()).toBe('late');
  });

  test('a reply to nothing is passed over in silence, a bad one is refused', async () => {
    await using client = await device(one);
    const asker = one.bus.incarnation;
    for (const unknown of ['nonsense', `${asker}-unknown`, '*.>-1', '-'])
      client.send({ op: 'reply', id: unknown });
    client.send({ op: 'reply', id: 'bad', payloadBase64: '*' });
    expect(await client.seen({ op: 'err' })).toMatchObject({ id: 'bad', code: 'payload.invalid' });
    expect(client.frames).toHaveLength(2);
  });

  test('a client that does not read is not given more than the bound, and the caller is told', async () => {
    await using door = await startDoor(nats.url, { config: { maxOutputBytes: 65_536 } });
    await using client = await device(door);
    client.ws.pause();
    const large = { payload: new Uint8Array(60_000) };
    const calls = new AbortController();
    const outcomes = Array.from({ length: 400 }, () =>
      caller.call(id, 'set', large, { timeoutMs: 60_000, signal: calls.signal }).catch(({ code }) => code),
    );
    expect(await Promise.race(outcomes)).toBe('slow-consumer');
    calls.abort();
    const all = await Promise.all(outcomes);
    expect(new Set(all)).toEqual(new Set(['slow-consumer', 'device.no-answer']));
    client.ws.resume();
    await waitFor(
      () => client.frames.filter(({ op }) => op === 'cmd').length === door.door.stats.commandsOut,
    );
    expect(door.door.stats.commandsOut).toBeLessThan(400);
  });

  test('it carries the trace on: the caller is the parent at the door, the door at the device', async () => {
    const steps: unknown[] = [];
    const span = (traceparent: string) => ({
      ...{ traceId: '', traceparent, tracestate: undefined },
      end: (code?: string) => void steps.push(['end', traceparent, code]),
      run: <T>(work: () => T) => work(),
    });
    const tracing: MessageTracing = {
      enabled: true,
      receive(topic, _qos, _client, traceparent) {
        steps.push(['receive', topic, traceparent]);
        return span('00-received');
      },
      deliver(traceparent, topic, _qos, client) {
        steps.push(['deliver', topic, traceparent, client]);
        return span('00-delivered');
      },
    };
    await using door = await startDoor(nats.url, { tracing });
    await using there = await device(door);
    await using here = await connect(door.url);
    here.send(cmd({ id: 1, properties: { traceparent: '00-mine', tracestate: 'a=b' } }));
    const came = await there.seen({ op: 'cmd' });
    expect(came['properties']).toMatchObject({ traceparent: '00-delivered' });
    there.send({ op: 'reply', id: came['id'] });
    await here.seen({ op: 'reply' });
    expect(steps).toEqual([
      ['receive', `cmd/${id}/set`, '00-mine'],
      ['deliver', `cmd/${id}/set`, '00-received', id],
      ['end', '00-delivered', undefined],
      ['end', '00-received', undefined],
    ]);
  });
});

describe('a call', () => {
  test('that nobody answers, and to nobody, ends with err and the code', async () => {
    await using _there = await device(other);
    await using here = await connect(one.url);
    expect(await here.ask(cmd({ timeoutMs: 100 }))).toMatchObject({ op: 'err', code: 'device.no-answer' });
    expect(await here.ask(cmd({ device: 'nobody' }))).toMatchObject({ op: 'err', code: 'device.unknown' });
    expect(one.door.stats).toMatchObject({ openCalls: 0, callsFailed: expect.any(Number) });
  });

  test('beyond maxOpenCalls is told to wait, and taken when another one has ended', async () => {
    await using door = await startDoor(nats.url, { config: { maxOpenCalls: 2 } });
    await using there = await device(other);
    await using here = await connect(door.url);
    for (const n of [1, 2]) here.send(cmd({ id: n }));
    await waitFor(() => there.frames.filter(({ op }) => op === 'cmd').length === 2);
    expect(await here.ask(cmd())).toMatchObject({ code: 'rate.limited', retryAfterMs: expect.any(Number) });
    there.send({ op: 'reply', id: (await there.seen({ op: 'cmd' }))['id'] });
    await here.seen({ op: 'reply' });
    here.send(cmd({ id: 3 }));
    await waitFor(() => there.frames.filter(({ op }) => op === 'cmd').length === 3);
    expect(door.door.stats).toMatchObject({ calls: 4, openCalls: 2, callsFailed: 1 });
  });

  test('is taken back when its client goes', async () => {
    await using there = await device(other);
    const here = await connect(one.url);
    const before = other.desk.stats.open;
    for (const n of [1, 2, 3]) here.send(cmd({ id: n, timeoutMs: 300_000 }));
    await waitFor(() => there.frames.filter(({ op }) => op === 'cmd').length === 3);
    expect(one.door.stats.openCalls).toBe(3);
    await here[Symbol.asyncDispose]();
    await waitFor(() => one.door.stats.openCalls === 0 && other.desk.stats.open === before);
  });

  test('is answered before a door that shuts down closes, and its device may answer there too', async () => {
    const door = await startDoor(nats.url);
    const there = await device(door);
    const here = await connect(door.url);
    here.send(cmd({ id: 1 }));
    const came = await there.seen({ op: 'cmd' });
    // The device goes first: its client waits for the reply.
    const drained = door.door.drain({ signal: new AbortController().signal, graceMs: 1 });
    await there.closing();
    expect(await here.ask({ op: 'ping' })).toMatchObject({ code: 'server.draining' });
    await using again = await device(other);
    again.send({ op: 'reply', id: came['id'], payload: 'done' });
    expect(await here.seen({ id: 1 })).toMatchObject({ op: 'reply', payload: 'done' });
    expect((await here.closing()).code).toBe(1012);
    await drained;
    await door[Symbol.asyncDispose]();
  });

  test('that a client makes of itself is answered by it', async () => {
    await using both = await device(one);
    both.send(cmd({ id: 1 }));
    const came = await both.seen({ op: 'cmd' });
    both.send({ op: 'reply', id: came['id'], payload: 'self' });
    expect(await both.seen({ op: 'reply' })).toEqual({ op: 'reply', id: 1, payload: 'self' });
  });
});

test('after the connection no command is taken any more', async () => {
  const client = await device(one);
  client.ws.close();
  await once(client.ws, 'close');
  await waitFor(async () => {
    const code = await call(5_000).catch((error: { code: string }) => error.code);
    return code === 'device.unknown';
  });
});
