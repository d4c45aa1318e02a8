import { partitionOf, actorSubject } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { hostActor } from './actor.ts';
import { startActors } from './actors.ts';
import { encodeRequest } from './requests.ts';
import { defineCounter } from './testing/counter.ts';
import { counterSite, holdAnswers, ids, kind } from './testing/counter-site.ts';
import { silent } from './testing/silent.ts';

test('events become state, once and in order, and their effects leave', async () => {
  const { clock, start, emit, state } = counterSite();
  emit('a', 'a', 'b/c');
  const { effects, actors } = start('r');
  await clock.advance(100);
  emit('a', 'b/c');
  await clock.advance(10);
  expect(state('a')).toEqual({ v: 1, pos: 4, count: 3, next: 3, faults: 0 });
  expect(state('b/c')).toEqual({ v: 1, pos: 5, count: 2, next: 2, faults: 0 });
  expect(effects.sort()).toEqual(['a/0', 'a/1', 'a/2', 'b/c/0', 'b/c/1']);
  expect(actors.stats).toMatchObject({ handled: 5, pending: 0, effects: 5 });
});

test('a burst for one actor is folded into few writes', async () => {
  const { clock, start, emit, state } = counterSite();
  const { actors } = start('r');
  await clock.advance(100);
  for (let i = 0; i < 500; i++) emit('a');
  await clock.advance(50);
  expect(state('a')?.count).toBe(500);
  expect(actors.stats.snapshotWrites).toBeLessThan(5);
});

test('effects leave only after the write is acknowledged', async () => {
  const { clock, start, emit, state } = counterSite();
  const router = start('r');
  const { effects } = router;
  await clock.advance(100);
  const acknowledge = holdAnswers(router);
  emit('a');
  await clock.advance(10);
  expect(state('a')?.count).toBe(1);
  expect(effects).toEqual([]);
  acknowledge();
  await clock.advance(10);
  expect(effects).toEqual(['a/0']);
});

test('a message that changes nothing is not written', async () => {
  const { clock, start, send, state } = counterSite();
  const { actors } = start('r');
  await clock.advance(100);
  send('a', { ignore: true });
  await clock.advance(10);
  expect(state('a')).toBeUndefined();
  expect(actors.stats).toMatchObject({ handled: 1, pending: 0, snapshotWrites: 0 });
});

test('a write lost on its way is made again, one whose answer was lost is recognised: state and effects once', async () => {
  for (const fault of ['request', 'answer'] as const) {
    const { clock, start, emit, state } = counterSite();
    const { bus, effects, actors } = start('r');
    await clock.advance(100);
    emit('a');
    await clock.advance(10);
    bus.fault = (what) => (what === 'put counter.a' ? fault : undefined);
    emit('a', 'a');
    await clock.advance(10);
    emit('a');
    await clock.advance(10);
    bus.fault = undefined;
    await clock.advance(1_000);
    expect(state('a'), fault).toEqual({ v: 1, pos: 4, count: 4, next: 4, faults: 0 });
    expect(effects, fault).toEqual(['a/0', 'a/1', 'a/2', 'a/3']);
    expect(actors.stats.snapshotUnknown, fault).toBeGreaterThan(0);
  }
});

test('a snapshot that another has written is read again, never overwritten', async () => {
  const { clock, nats, start, emit, state } = counterSite();
  const { actors, effects } = start('r');
  await clock.advance(100);
  emit('a', 'a');
  await clock.advance(10);
  // Another owner has handled the events at 3 and 4 already.
  const other = { v: 1, pos: 4, count: 4, next: 4, faults: 0 };
  nats.bucket('devices').put('counter.a', new TextEncoder().encode(JSON.stringify(other)));
  emit('a', 'a', 'a');
  await clock.advance(10);
  expect(state('a')).toEqual({ v: 1, pos: 5, count: 5, next: 5, faults: 0 });
  expect(effects).toEqual(['a/0', 'a/1', 'a/4']);
  expect(actors.stats).toMatchObject({ snapshotRefused: 1, pending: 0 });
});

test('idle actors are put away, and come back from their snapshots', async () => {
  const { clock, start, emit, state } = counterSite();
  const { actors } = start('r', { limits: { maxActors: 10 } });
  await clock.advance(100);
  for (let round = 0; round < 3; round++) {
    for (const id of ids) {
      emit(id);
      await clock.advance(1);
    }
  }
  expect(actors.inMemory).toBeLessThanOrEqual(10);
  expect(actors.stats.putAway).toBeGreaterThanOrEqual(110);
  for (const id of ids) expect(state(id)).toMatchObject({ count: 3, faults: 0 });
});

test('the log is not read on while too much is in memory', async () => {
  const { clock, start, emit, state, numbers } = counterSite();
  const { bus, actors } = start('r', { limits: { maxPending: 100, maxWrites: 4 } });
  await clock.advance(100);
  bus.fault = (what) => (what.startsWith('put counter') ? 'request' : undefined);
  for (let i = 0; i < 50; i++) {
    emit(...ids);
    await clock.advance(1);
  }
  expect(actors.stats.pending).toBeLessThanOrEqual(101 + ids.length);
  bus.fault = undefined;
  await clock.advance(20_000);
  for (const id of ids) expect(state(id)).toMatchObject({ count: numbers.get(id), faults: 0 });
});

test('requests are answered from stored state by the holder of the partition alone', async () => {
  const { clock, start, emit } = counterSite();
  const { bus, actors } = start('r');
  const ask = (id: string, body: Uint8Array) =>
    bus.request(actorSubject(partitionOf(id), id), body, { timeoutMs: 100 });
  await expect(ask('a', encodeRequest('counter', { op: 'get' }))).rejects.toMatchObject({
    code: 'bus.no-responders',
  });
  await clock.advance(100);
  emit('a', 'a');
  await clock.advance(10);
  const answer = await ask('a', encodeRequest('counter', { op: 'get' }));
  expect(JSON.parse(new TextDecoder().decode(answer.data))).toEqual({ count: 2 });
  await expect(ask('a', encodeRequest('nobody'))).rejects.toMatchObject({ code: 'not-found' });
  await expect(ask('a', encodeRequest('counter', { op: 'set' }))).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(ask('a', new TextEncoder().encode('?'))).rejects.toMatchObject({ code: 'payload.invalid' });
  expect(actors.stats.snapshotWrites).toBeLessThanOrEqual(2);
  const closed = actors.close();
  await clock.advance(3_000);
  await closed;
  await expect(ask('a', encodeRequest('counter', { op: 'get' }))).rejects.toMatchObject({
    code: 'bus.no-responders',
  });
});

test('a message from outside the log reaches actors of partitions held, and keeps the position', async () => {
  const { clock, start, emit, state } = counterSite();
  const { actors, effects } = start('r');
  expect(actors.tell(kind, 'a', { n: 0 })).toBe(false);
  await clock.advance(100);
  emit('a');
  await clock.advance(10);
  expect(actors.tell(kind, 'a', { n: 1 })).toBe(true);
  await clock.advance(10);
  expect(state('a')).toEqual({ v: 1, pos: 1, count: 2, next: 2, faults: 0 });
  expect(effects).toEqual(['a/0', 'a/1']);
});

test('two kinds of actor on one log have checkpoints of their own: one that is new reads the whole log', async () => {
  const { clock, nats, start, emit, state } = counterSite();
  const first = start('r1');
  await clock.advance(100);
  emit('a', 'a');
  await clock.advance(10);
  const closed = first.actors.close();
  await clock.advance(3_000);
  await closed;
  const bus = nats.connect('r2');
  const late = defineCounter('late');
  const none = () => undefined;
  startActors({ bus, clock, logger: silent, actors: [hostActor(kind, none), hostActor(late, none)] });
  await clock.advance(100);
  emit('a');
  await clock.advance(100);
  expect(state('a')?.count).toBe(3);
  const entry = nats.bucket('devices').get('late.a');
  expect(JSON.parse(new TextDecoder().decode(entry!.value))).toMatchObject({ count: 3, faults: 0 });
});
