import { encodeToken, partitionOf, actorSubject } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { hostActor } from './actor.ts';
import { type Actors, type ActorsOptions, startActors } from './actors.ts';
import { encodeRequest } from './requests.ts';
import { type CounterEffect, type CounterState, defineCounter } from './testing/counter.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { createFakeNats, type FakeBus } from './testing/fake-nats.ts';
import { silent } from './testing/silent.ts';

interface Router {
  bus: FakeBus;
  actors: Actors;
  /** Effects that left, as `<id>/<n>`. */
  effects: string[];
}

const kind = defineCounter();

function setup() {
  const clock = createFakeClock();
  const nats = createFakeNats(clock);
  const start = (name: string, options: Partial<ActorsOptions> = {}, actor = kind): Router => {
    const bus = nats.connect(name);
    const effects: string[] = [];
    const hosted = hostActor(
      actor,
      (effect: CounterEffect, { id }) => void effects.push(`${id}/${effect.n}`),
    );
    const actors = startActors({ bus, clock: bus.clock, logger: silent, actors: [hosted], ...options });
    return { bus, actors, effects };
  };
  const numbers = new Map<string, number>();
  /** The next number of each id. */
  const emit = (...ids: string[]): void => {
    for (const id of ids) {
      const n = numbers.get(id) ?? 0;
      numbers.set(id, n + 1);
      nats.append('EVENTS', `tv1.e.subscribed.${encodeToken(id)}`, { n });
    }
  };
  const send = (id: string, message: object): number =>
    nats.append('EVENTS', `tv1.e.subscribed.${encodeToken(id)}`, message);
  const state = (id: string): CounterState | undefined => {
    const entry = nats.bucket('devices').get(`counter.${encodeToken(id)}`);
    return entry === undefined
      ? undefined
      : (JSON.parse(new TextDecoder().decode(entry.value)) as CounterState);
  };
  const checkpoint = (id: string): number => {
    const entry = nats.bucket('devices').get(`checkpoint.counter.${partitionOf(id)}`);
    return (JSON.parse(new TextDecoder().decode(entry!.value)) as { pos: number }).pos;
  };
  return { clock, nats, start, emit, send, state, checkpoint, numbers };
}

const ids = Array.from({ length: 40 }, (_, i) => `device ${i}`);

test('events become state, once and in order, and their effects leave', async () => {
  const { clock, start, emit, state } = setup();
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
  const { clock, start, emit, state } = setup();
  const { actors } = start('r');
  await clock.advance(100);
  for (let i = 0; i < 500; i++) emit('a');
  await clock.advance(50);
  expect(state('a')?.count).toBe(500);
  expect(actors.stats.snapshotWrites).toBeLessThan(5);
});

/** From now on snapshot writes are stored but answered only after the returned function is called. */
function holdAnswers({ bus }: Router): () => void {
  const devices = bus.bucket('devices');
  const { put } = devices;
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  devices.put = async (key, ...rest) => {
    const revision = await put(key, ...rest);
    if (key.startsWith('counter')) await answered;
    return revision;
  };
  return answer;
}

test('effects leave only after the write is acknowledged', async () => {
  const { clock, start, emit, state } = setup();
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
  const { clock, start, send, state } = setup();
  const { actors } = start('r');
  await clock.advance(100);
  send('a', { ignore: true });
  await clock.advance(10);
  expect(state('a')).toBeUndefined();
  expect(actors.stats).toMatchObject({ handled: 1, pending: 0, snapshotWrites: 0 });
});

test('a write lost on its way is made again, one whose answer was lost is recognised: state and effects once', async () => {
  for (const fault of ['request', 'answer'] as const) {
    const { clock, start, emit, state } = setup();
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
  const { clock, nats, start, emit, state } = setup();
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

test('a poison message is tried five times, then lies among the dead letters; others are not held up', async () => {
  const { clock, nats, start, emit, send, state, checkpoint } = setup();
  const { actors } = start('r');
  await clock.advance(100);
  emit('a');
  const poison = send('a', { poison: true });
  emit('a', 'b');
  await clock.advance(50);
  expect(state('b')?.count).toBe(1);
  expect(state('a')?.count).toBe(1);
  await clock.advance(5_000);
  expect(state('a')).toEqual({ v: 1, pos: 3, count: 2, next: 2, faults: 0 });
  expect(actors.stats).toMatchObject({ failedSteps: 5, poisoned: 1, pending: 0 });
  expect(nats.messages('DEADLETTER')).toMatchObject([
    {
      subject: 'tv1.l.counter.a',
      json: {
        v: 1,
        actor: 'counter',
        id: 'a',
        log: 'EVENTS',
        pos: poison,
        subject: 'tv1.e.subscribed.a',
        code: 'defect',
      },
    },
  ]);
  await clock.advance(10_000);
  expect(checkpoint('a')).toBe(4);
});

test('a step that leaves a state that does not fit its schema is poison too', async () => {
  const { clock, nats, start, emit, send, state } = setup();
  start('r');
  await clock.advance(100);
  emit('a');
  send('a', { invalid: true });
  emit('a');
  await clock.advance(5_000);
  expect(state('a')).toEqual({ v: 1, pos: 3, count: 2, next: 2, faults: 0 });
  expect(nats.messages('DEADLETTER')).toHaveLength(1);
});

test('what cannot be decoded lies among the dead letters at once', async () => {
  const { clock, nats, start, emit, state } = setup();
  const broken = {
    ...kind,
    decode: (subject: string, data: Uint8Array) =>
      data[0] === 0x7b && data.length === 7
        ? kind.decode(subject, data)
        : ({ ok: false, error: { code: 'payload.invalid', message: 'no' } } as const),
  };
  start('r', {}, broken);
  await clock.advance(100);
  nats.append('EVENTS', 'tv1.e.subscribed.a', 'not an event');
  emit('a');
  await clock.advance(10);
  expect(state('a')?.count).toBe(1);
  expect(nats.messages('DEADLETTER')).toMatchObject([{ json: { pos: 1, code: 'payload.invalid' } }]);
});

test('a dead letter that cannot be stored holds up its actor and its checkpoint only', async () => {
  const { clock, start, send, emit, state, checkpoint } = setup();
  const { bus } = start('r');
  await clock.advance(100);
  bus.fault = (what) => (what.startsWith('store') ? 'request' : undefined);
  send('a', { poison: true });
  emit('a', 'b');
  await clock.advance(30_000);
  expect(state('a')).toBeUndefined();
  expect(state('b')?.count).toBe(1);
  expect(checkpoint('a')).toBe(0);
  bus.fault = undefined;
  await clock.advance(30_000);
  expect(state('a')?.count).toBe(1);
  expect(checkpoint('a')).toBe(3);
});

test('a snapshot that cannot be read is left alone, its messages lie among the dead letters', async () => {
  const { clock, nats, start, emit } = setup();
  nats.bucket('devices').put('counter.a', new TextEncoder().encode('{"v":9}'));
  const { actors } = start('r');
  await clock.advance(100);
  emit('a');
  await clock.advance(10);
  expect(nats.messages('DEADLETTER')).toMatchObject([{ json: { id: 'a', pos: 1, code: 'defect' } }]);
  expect(new TextDecoder().decode(nats.bucket('devices').get('counter.a')!.value)).toBe('{"v":9}');
  expect(actors.stats.pending).toBe(0);
});

test('a router that starts later goes on where the log was left, with what happened meanwhile', async () => {
  const { clock, start, emit, state, checkpoint } = setup();
  const first = start('r1');
  await clock.advance(100);
  emit(...ids, ...ids);
  await clock.advance(7_000);
  first.bus.setUp(false);
  emit(...ids);
  await clock.advance(10_000);
  const second = start('r2');
  await clock.advance(10_000);
  emit(...ids);
  await clock.advance(6_000);
  for (const id of ids) expect(state(id)).toMatchObject({ count: 4, next: 4, faults: 0 });
  expect(second.actors.stats.handled).toBe(80);
  expect(checkpoint(ids[0]!)).toBe(160);
});

test('a graceful stop leaves nothing to be read again', async () => {
  const { clock, start, emit, state } = setup();
  const first = start('r1');
  await clock.advance(100);
  emit(...ids);
  await clock.advance(3);
  const closed = first.actors.close();
  await clock.advance(3_000);
  await closed;
  emit(...ids);
  const second = start('r2');
  await clock.advance(100);
  for (const id of ids) expect(state(id)).toMatchObject({ count: 2, next: 2, faults: 0 });
  expect(second.actors.stats).toMatchObject({ handled: 40, skipped: 0 });
  expect(first.effects.length + second.effects.length).toBe(80);
});

test('a partition is handed over when what was begun for it is stored, not before', async () => {
  const { clock, start, emit, checkpoint } = setup();
  const first = start('r1');
  await clock.advance(100);
  const acknowledge = holdAnswers(first);
  emit('a');
  await clock.advance(10);
  const closed = first.actors.close();
  await clock.advance(500);
  expect(first.actors.partitionsHeld).toBe(1);
  expect(first.effects).toEqual([]);
  acknowledge();
  await clock.advance(10);
  await closed;
  expect(first.effects).toEqual(['a/0']);
  expect(checkpoint('a')).toBe(1);
});

test('a hand-over does not wait for an answer for ever', async () => {
  const { clock, start, emit, state } = setup();
  const first = start('r1');
  await clock.advance(100);
  holdAnswers(first);
  emit('a');
  await clock.advance(10);
  const closed = first.actors.close();
  await clock.advance(2_100);
  await closed;
  const second = start('r2');
  emit('a');
  await clock.advance(100);
  expect(state('a')).toMatchObject({ count: 2, faults: 0 });
  expect(second.actors.stats.skipped).toBe(1);
});

test('partitions move between routers under load without a loss, a repeat or a wrong order, effects included', async () => {
  const { clock, start, emit, state, numbers } = setup();
  const routers = [start('r1')];
  for (let round = 0; round < 60; round++) {
    emit(...ids);
    await clock.advance(50);
    if (round === 10) routers.push(start('r2'));
    if (round === 20) routers.push(start('r3'));
    if (round === 30) void routers[0]!.actors.close();
    if (round === 40) routers.push(start('r4'));
  }
  await clock.advance(3_000);
  for (const id of ids) expect(state(id)).toMatchObject({ count: numbers.get(id), faults: 0 });
  const effects = routers.flatMap((router) => router.effects);
  expect(effects).toHaveLength(60 * ids.length);
  expect(new Set(effects).size).toBe(effects.length);
  expect(routers.map(({ actors }) => actors.partitionsHeld)).toEqual([0, 11, 11, 10]);
});

test('a stale owner that wakes up writes nothing and lets no effect out', async () => {
  const { clock, start, emit, state, numbers } = setup();
  const old = start('old');
  await clock.advance(100);
  emit(...ids);
  await clock.advance(100);
  const heir = start('heir');
  await clock.advance(1_000);
  old.bus.setFrozen(true);
  for (let round = 0; round < 100; round++) {
    emit(...ids);
    await clock.advance(100);
  }
  const before = old.effects.length;
  const effects = old.effects.length + heir.effects.length;
  expect(effects).toBe(101 * ids.length);
  old.bus.setFrozen(false);
  await clock.advance(5);
  expect(old.effects.length).toBe(before);
  expect(old.actors.stats.snapshotRefused).toBe(0);
  emit(...ids);
  await clock.advance(5_000);
  for (const id of ids) expect(state(id)).toMatchObject({ count: numbers.get(id), faults: 0 });
  const all = [...old.effects, ...heir.effects];
  expect(new Set(all).size).toBe(all.length);
  expect(all).toHaveLength(102 * ids.length);
});

test('idle actors are put away, and come back from their snapshots', async () => {
  const { clock, start, emit, state } = setup();
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
  const { clock, start, emit, state, numbers } = setup();
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

test('a log that lost its end in a power cut: what takes the lost positions is handled all the same', async () => {
  for (const running of [true, false]) {
    const { clock, nats, start, emit, state } = setup();
    let router = start('r1');
    await clock.advance(100);
    emit(...ids);
    await clock.advance(7_000);
    emit('a', 'a', 'a');
    await clock.advance(10);
    router.bus.setUp(false);
    nats.truncate('EVENTS', 41); // the second and third event of `a` are gone, its snapshot is not
    if (!running) {
      await clock.advance(10_000);
      router = start('r2');
      await clock.advance(100);
    } else {
      router.bus.setUp(true);
      await clock.advance(1);
    }
    emit('a');
    await clock.advance(2_000);
    emit('a');
    await clock.advance(100);
    expect(state('a'), `running: ${running}`).toMatchObject({ count: 5, next: 5, pos: 43 });
  }
});

test('requests are answered from stored state by the holder of the partition alone', async () => {
  const { clock, start, emit } = setup();
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
  const { clock, start, emit, state } = setup();
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
  const { clock, nats, start, emit, state } = setup();
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

test('an effect that fails is counted and holds up nothing', async () => {
  const { clock, nats, emit, state } = setup();
  const bus = nats.connect('r');
  const failing = hostActor(kind, () => Promise.reject(new Error('no')));
  const actors = startActors({ bus, clock, logger: silent, actors: [failing] });
  await clock.advance(100);
  emit('a', 'a');
  await clock.advance(10);
  expect(state('a')?.count).toBe(2);
  expect(actors.stats.effectsFailed).toBe(2);
});
