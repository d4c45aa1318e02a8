import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLogReader, type LogReader, type Rider } from './log-reader.ts';
import { createFakeClock, settle } from './testing/fake-clock.ts';
import { createFakeNats } from './testing/fake-nats.ts';
import { silent } from './testing/silent.ts';

interface Recorder extends Rider {
  got: number[];
}

function setup(sizes?: readonly number[]) {
  const clock = createFakeClock();
  const nats = createFakeNats(clock, sizes);
  const bus = nats.connect('a');
  const riders: Recorder[] = [];
  const lost: [number, number][] = [];
  const resets: number[] = [];
  const reader: LogReader = createLogReader({
    bus,
    stream: 'EVENTS',
    clock,
    logger: silent,
    onMessage(feed, pos) {
      for (const rider of riders) if (rider.feed === feed && pos > rider.after) rider.got.push(pos);
    },
    onLost: (from, first) => lost.push([from, first]),
    onReset: (last) => resets.push(last),
  });
  const append = (count: number): void => {
    for (let i = 0; i < count; i++) nats.append('EVENTS', 'tv1.e.connected.x', {});
  };
  const ride = (...afters: number[]): Recorder[] => {
    const added = afters.map((after): Recorder => ({ after, feed: undefined, got: [] }));
    riders.push(...added);
    reader.add(added);
    return added;
  };
  return { clock, nats, bus, reader, append, ride, lost, resets };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('riders that join anywhere, at any time, get everything above their position once and in order', async () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('ride'), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constant('pause') }),
    fc.record({ kind: fc.constant('resume') }),
    fc.record({ kind: fc.constant('wait'), turns: fc.integer({ min: 1, max: 3 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      const { reader, append, ride } = setup();
      const joined: { rider: Recorder; after: number }[] = [];
      let last = 0;
      for (const step of actions) {
        if ('count' in step) {
          append(step.count);
          last += step.count;
        } else if ('share' in step) {
          const after = Math.floor(step.share * last);
          joined.push({ rider: ride(after)[0]!, after });
        } else if ('turns' in step) await settle(step.turns);
        else if (step.kind === 'pause') reader.pause();
        else reader.resume();
      }
      reader.resume();
      await settle();
      append(3);
      await settle();
      for (const { rider, after } of joined) expect(rider.got).toEqual(range(after + 1, last + 3));
      reader.close();
    }),
    { numRuns: 60 },
  );
});

test('a rider that was removed can go on later from where it was', async () => {
  const { reader, append, ride } = setup();
  const [stays, leaves] = ride(0, 0) as [Recorder, Recorder];
  append(10);
  await settle();
  reader.remove(leaves);
  append(10);
  await settle();
  expect(leaves.got).toEqual(range(1, 10));
  expect(leaves.after).toBe(10);
  reader.add([leaves]);
  append(5);
  await settle();
  expect(leaves.got).toEqual(range(1, 25));
  expect(stays.got).toEqual(range(1, 25));
});

test('a reading that comes out ahead of the common one repeats nothing', async () => {
  const { nats, reader, append, ride } = setup([100]);
  append(20);
  nats.remove('EVENTS', 10);
  nats.remove('EVENTS', 11);
  reader.pause();
  const [ahead, behind] = [...ride(10), ...ride(5)] as [Recorder, Recorder];
  reader.resume(); // the reading from 5 on begins first, and after 9 it is at 12
  await settle();
  expect(ahead.got).toEqual(range(12, 20));
  expect(behind.got).toEqual([...range(6, 9), ...range(12, 20)]);
});

test('nothing is read while nobody rides or while paused', async () => {
  const { bus, reader, append, ride } = setup();
  let followers = 0;
  const { follow } = bus;
  bus.follow = (options) => {
    followers++;
    return follow(options);
  };
  append(5);
  await settle();
  expect(followers).toBe(0);
  const [rider] = ride(0) as [Recorder];
  await settle();
  reader.pause();
  append(5);
  await settle();
  expect(rider.got).toEqual(range(1, 5));
  reader.resume();
  await settle();
  expect(rider.got).toEqual(range(1, 10));
  reader.remove(rider);
  append(5);
  await settle();
  expect(rider.got).toEqual(range(1, 10));
  expect(followers).toBe(2);
});

test('caughtUp resolves when everything stored at the call was offered', async () => {
  const { reader, append, ride } = setup();
  append(20);
  const riders = ride(0, 7);
  let done = false;
  const caughtUp = reader.caughtUp(riders).then(() => (done = true));
  expect(done).toBe(false);
  await caughtUp;
  expect(riders[0]!.got).toEqual(range(1, 20));
  expect(riders[1]!.got).toEqual(range(8, 20));
});

test('caughtUp resolves for riders that were removed, and on a log that is empty', async () => {
  const { nats, reader, append, ride } = setup();
  await reader.caughtUp([]);
  append(20);
  nats.retain('EVENTS', 21);
  await reader.caughtUp(ride(0));
  const [gone] = ride(5) as [Recorder];
  const waiting = reader.caughtUp([gone]);
  reader.remove(gone);
  await waiting;
});

test('what retention took is reported, and the reading goes on behind it', async () => {
  const { nats, append, ride, lost } = setup();
  append(20);
  nats.retain('EVENTS', 11);
  const [rider] = ride(4) as [Recorder];
  await settle();
  expect(lost).toEqual([[4, 11]]);
  expect(rider.got).toEqual(range(11, 20));
});

test('a log that lost its end is reported', async () => {
  const { nats, reader, append, ride, resets } = setup();
  append(20);
  ride(0);
  await settle();
  nats.truncate('EVENTS', 15);
  reader.pause();
  reader.resume();
  await settle();
  expect(resets).toEqual([15]);
});

test('the lag is how far the reading furthest back is from the end', async () => {
  const { clock, reader, append, ride } = setup();
  ride(0);
  await settle();
  reader.pause();
  append(12);
  await clock.advance(2_000);
  expect(reader.lag).toBe(12);
  reader.resume();
  await clock.advance(2_000);
  expect(reader.lag).toBe(0);
});
