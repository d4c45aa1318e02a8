import { expect, test } from 'vitest';
import { hostActor } from './actor.ts';
import { startActors } from './actors.ts';
import { counterSite, kind } from './testing/counter-site.ts';
import { silent } from './testing/silent.ts';

test('a poison message is tried five times, then lies among the dead letters; others are not held up', async () => {
  const { clock, nats, start, emit, send, state, checkpoint } = counterSite();
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
  const { clock, nats, start, emit, send, state } = counterSite();
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
  const { clock, nats, start, emit, state } = counterSite();
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
  const { clock, start, send, emit, state, checkpoint } = counterSite();
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
  const { clock, nats, start, emit } = counterSite();
  nats.bucket('devices').put('counter.a', new TextEncoder().encode('{"v":9}'));
  const { actors } = start('r');
  await clock.advance(100);
  emit('a');
  await clock.advance(10);
  expect(nats.messages('DEADLETTER')).toMatchObject([{ json: { id: 'a', pos: 1, code: 'defect' } }]);
  expect(new TextDecoder().decode(nats.bucket('devices').get('counter.a')!.value)).toBe('{"v":9}');
  expect(actors.stats.pending).toBe(0);
});

test('an effect that fails is counted and holds up nothing', async () => {
  const { clock, nats, emit, state } = counterSite();
  const bus = nats.connect('r');
  const failing = hostActor(kind, () => Promise.reject(new Error('no')));
  const actors = startActors({ bus, clock, logger: silent, actors: [failing] });
  await clock.advance(100);
  emit('a', 'a');
  await clock.advance(10);
  expect(state('a')?.count).toBe(2);
  expect(actors.stats.effectsFailed).toBe(2);
});
