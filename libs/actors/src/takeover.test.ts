import { expect, test } from 'vitest';
import { counterSite, holdAnswers, ids } from './testing/counter-site.ts';

test('a router that starts later goes on where the log was left, with what happened meanwhile', async () => {
  const { clock, start, emit, state, checkpoint } = counterSite();
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
  const { clock, start, emit, state } = counterSite();
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
  const { clock, start, emit, checkpoint } = counterSite();
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
  const { clock, start, emit, state } = counterSite();
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
  const { clock, start, emit, state, numbers } = counterSite();
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
  const { clock, start, emit, state, numbers } = counterSite();
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

test('a log that lost its end in a power cut: what takes the lost positions is handled all the same', async () => {
  for (const running of [true, false]) {
    const { clock, nats, start, emit, state } = counterSite();
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
