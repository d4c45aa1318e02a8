import { getEventListeners } from 'node:events';
import { connectBus, type Bus } from '@trivium/bus';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCommandCaller, type CommandCaller } from './command-caller.ts';
import { createCommandDesk, type CommandDesk, type CommandReceiver } from './command-desk.ts';
import type { Command } from './command.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

let nats: NatsServer;
let buses: Bus[];
let desks: CommandDesk[];
let caller: CommandCaller;
let id: string;
let run = 0;
beforeAll(async () => {
  nats = await startNats();
  buses = await Promise.all(
    [1, 2, 3].map(() => connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet })),
  );
  desks = buses.slice(1).map((bus) => createCommandDesk(bus));
  caller = createCommandCaller(buses[0]!);
});
afterAll(async () => {
  caller.close();
  for (const desk of desks) desk.close();
  for (const bus of buses) await bus.close();
  await nats.stop();
});
beforeEach(() => {
  id = `client ${++run}/+`;
});

interface Device extends CommandReceiver {
  readonly got: Command[];
  readonly cancelled: string[];
  moved: number;
}

function device(given: { handedOut?: boolean; refuses?: 'slow-consumer' } = {}): Device {
  const made: Device = {
    ...{ got: [], cancelled: [], moved: 0 },
    onCommand(command) {
      if (given.refuses !== undefined) return given.refuses;
      made.got.push(command);
      return undefined;
    },
    onCancelled: (one) => void made.cancelled.push(one),
    onMoved() {
      made.moved++;
      return given.handedOut === false ? made.got.map((one) => one.id) : [];
    },
  };
  return made;
}

const call = (more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  caller.call(
    id,
    'n',
    { payload: bytes('in'), properties: { contentType: 'a/b' } },
    { timeoutMs: 20_000, ...more },
  );

test('a command reaches a client without a session, whose reply comes back with its properties', async () => {
  const there = device();
  const release = desks[0]!.attach(id, there);
  await buses[1]!.live.flush();
  const answer = call();
  await waitFor(() => there.got.length === 1);
  const [command] = there.got;
  expect([command!.name, text(command!.payload), command!.properties]).toMatchObject([
    'n',
    'in',
    { contentType: 'a/b' },
  ]);
  desks[0]!.reply('another', command!.id, { payload: bytes('forged') });
  desks[0]!.reply(id, command!.id, { payload: bytes('out'), properties: { contentType: 'c/d' } });
  const reply = await answer;
  expect([text(reply.payload), reply.properties?.contentType]).toEqual(['out', 'c/d']);
  release();
  await expect(call()).rejects.toMatchObject({ code: 'device.unknown' });
});

test('what a client refuses is told to the caller', async () => {
  const release = desks[0]!.attach(id, device({ refuses: 'slow-consumer' }));
  await buses[1]!.live.flush();
  await expect(call()).rejects.toMatchObject({ code: 'slow-consumer' });
  release();
});

test('no answer in time', async () => {
  const there = device();
  const release = desks[0]!.attach(id, there);
  await buses[1]!.live.flush();
  await expect(call({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'device.no-answer' });
  await waitFor(() => there.cancelled.length === 1 && desks[0]!.stats.open === 0);
  release();
});

test('a caller that hangs up takes the command back', async () => {
  const there = device();
  const release = desks[0]!.attach(id, there);
  await buses[1]!.live.flush();
  const abort = new AbortController();
  const answer = call({ signal: abort.signal });
  await waitFor(() => there.got.length === 1);
  abort.abort();
  await expect(answer).rejects.toMatchObject({ code: 'device.no-answer' });
  await waitFor(() => there.cancelled.length === 1);
  expect(there.cancelled).toEqual([there.got[0]!.id]);
  release();
});

test('many calls may share a signal: nothing is left at it when they have ended', async () => {
  const abort = new AbortController();
  await expect(call({ signal: abort.signal })).rejects.toMatchObject({ code: 'device.unknown' });
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

test('a client that moves to another door takes along what it was not given yet', async () => {
  const here = device({ handedOut: false });
  const there = device();
  desks[0]!.attach(id, here);
  await buses[1]!.live.flush();
  const answer = call();
  await waitFor(() => here.got.length === 1);
  const release = desks[1]!.attach(id, there);
  await waitFor(() => there.got.length === 1);
  expect(here.moved).toBe(1);
  desks[1]!.reply(id, there.got[0]!.id, { payload: bytes('there') });
  expect(text((await answer).payload)).toBe('there');
  release();
});

test('a reply by another door than the command went to reaches the caller', async () => {
  const here = device();
  const release = desks[0]!.attach(id, here);
  await buses[1]!.live.flush();
  const answer = call();
  await waitFor(() => here.got.length === 1);
  desks[1]!.reply(id, here.got[0]!.id, { payload: bytes('elsewhere') });
  expect(text((await answer).payload)).toBe('elsewhere');
  release();
});
