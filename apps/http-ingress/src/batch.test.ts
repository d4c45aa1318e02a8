import { parseTopic, refuse, accept, type Message } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { createBatch } from './batch.ts';
import type { PublishSink } from './publishing.ts';

const topic = parseTopic('a');
if (!topic.ok) throw new Error();
const message: Message = { topic: topic.value, payload: new Uint8Array(), qos: 1, retain: false };
const good = { bytes: Buffer.from('good') };

/** A batch whose messages are stored when the test says so. */
function setUp({ maxOpen = 4, maxItems = 100, oneText = true, key = undefined as string | undefined } = {}) {
  const begun: { sink: PublishSink; token: number; key: string | undefined }[] = [];
  const results: string[] = [];
  const listeners = new Set<(pressed: boolean) => void>();
  let roomy = (): void => undefined;
  const publisher = {
    pressed: false,
    onPressure(listener: (pressed: boolean) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const answer = {
    full: false,
    closed: false,
    result: (text: string) => void results.push(text),
    onRoom: (listener: () => void) => void (roomy = listener),
  };
  const batch = createBatch({
    publishing: { begin: (_message, keyed, sink, token) => void begun.push({ sink, token, key: keyed }) },
    publisher,
    answer,
    read: (bytes) =>
      Buffer.from(bytes).toString() === 'good' ? accept(message) : refuse('protocol.malformed', 'no'),
    oneText,
    key,
    maxItems,
    maxOpen,
  });
  const store = (place: number): void => {
    const { sink, token } = begun.find((one) => one.token === place)!;
    sink.published(token, { pos: 100 + place, traceId: undefined });
  };
  const press = (pressed: boolean): void => {
    publisher.pressed = pressed;
    for (const listener of listeners) listener(pressed);
  };
  return { batch, begun, results, answer, store, press, listeners, notify: () => roomy() };
}

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  await new Promise(setImmediate);
  return done;
}

test('results come in the order of the items, whatever is stored first', () => {
  const { batch, results, store } = setUp();
  for (let i = 0; i < 3; i++) batch.add(good);
  store(2);
  store(1);
  expect(results).toEqual([]);
  store(0);
  expect(results.map((text) => JSON.parse(text) as unknown)).toEqual([
    { ok: true, pos: 100 },
    { ok: true, pos: 101 },
    { ok: true, pos: 102 },
  ]);
});

test('a message has a key of its own: that of the request and its place', () => {
  const { batch, begun } = setUp({ key: 'k' });
  batch.add(good);
  batch.add({ refusal: { code: 'payload.too-large', message: '' }, last: false });
  batch.add(good);
  expect(begun.map(({ key }) => key)).toEqual(['k/0', 'k/2']);
});

describe('room', () => {
  test('ends with maxOpen messages that are not stored, and is back when half of them are', async () => {
    const { batch, store } = setUp({ maxOpen: 4 });
    for (let i = 0; i < 4; i++) {
      expect(batch.full).toBe(false);
      batch.add(good);
    }
    expect(batch.full).toBe(true);
    const room = batch.room();
    store(0);
    expect(await isDone(room)).toBe(false);
    store(1);
    expect(await isDone(room)).toBe(true);
  });

  test('is none while the bus is pressed, nor while nobody reads the results', async () => {
    const { batch, press, answer, notify } = setUp();
    press(true);
    expect(batch.full).toBe(true);
    const pressed = batch.room();
    expect(await isDone(pressed)).toBe(false);
    press(false);
    expect(await isDone(pressed)).toBe(true);
    answer.full = true;
    expect(batch.full).toBe(true);
    const unread = batch.room();
    answer.full = false;
    notify();
    expect(await isDone(unread)).toBe(true);
  });

  test('is not waited for when the caller has hung up', async () => {
    const { batch, answer, notify, listeners } = setUp({ maxOpen: 1 });
    batch.add(good);
    const [room] = [batch.room()];
    expect(await isDone(room)).toBe(false);
    answer.closed = true;
    notify();
    expect(await isDone(room)).toBe(true);
    expect(await isDone(batch.settled())).toBe(true);
    batch.close();
    expect(listeners.size).toBe(0);
  });
});

describe('the end', () => {
  test('waits for all that was begun', async () => {
    const { batch, store } = setUp();
    batch.add(good);
    const settled = batch.settled();
    expect(await isDone(settled)).toBe(false);
    store(0);
    expect(await isDone(settled)).toBe(true);
  });

  test.each([
    [true, false],
    [false, true],
  ])('bytes that are no JSON end it: %s in one text', (oneText, goesOn) => {
    const { batch, results } = setUp({ oneText });
    expect(batch.add({ bytes: Buffer.from('bad') })).toBe(goesOn);
    expect(JSON.parse(results[0]!)).toEqual({ ok: false, code: 'protocol.malformed', message: 'no' });
  });

  test('comes after maxItems', () => {
    const { batch, begun, results } = setUp({ maxItems: 2 });
    expect([batch.add(good), batch.add(good), batch.add(good)]).toEqual([true, true, false]);
    expect([begun.length, results.length]).toEqual([2, 0]);
  });
});
