import { expect, test } from 'vitest';
import { type Placement, startPlacement } from './placement.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { createFakeNats, type FakeBus } from './testing/fake-nats.ts';
import { silent } from './testing/silent.ts';

interface Router {
  bus: FakeBus;
  placement: Placement;
  /** Between `onGained` and the end of it. */
  working: Set<number>;
  lost: number[];
}

function setup() {
  const clock = createFakeClock();
  const nats = createFakeNats(clock);
  const routers: Router[] = [];
  const start = (name: string): Router => {
    const working = new Set<number>();
    const lost: number[] = [];
    const bus = nats.connect(name);
    const placement = startPlacement({
      bus,
      clock: bus.clock,
      logger: silent,
      partitions: 32,
      ttlMs: 6_000,
      marginMs: 1_000,
      onGained(partitions) {
        for (const partition of partitions) working.add(partition);
      },
      onLost(partition) {
        working.delete(partition);
        lost.push(partition);
      },
      onGiving(partition) {
        working.delete(partition);
        return Promise.resolve();
      },
    });
    const router = { bus, placement, working, lost };
    routers.push(router);
    return router;
  };
  /** No partition is worked on by two routers that can both believe in it, and how many each has. */
  const shares = (): number[] => {
    for (let partition = 0; partition < 32; partition++) {
      const owners = routers.filter(
        ({ working, placement }) => working.has(partition) && placement.holds(partition),
      );
      expect(owners.length, `partition ${partition}`).toBeLessThanOrEqual(1);
    }
    return routers.map(({ working }) => working.size);
  };
  return { clock, nats, start, shares, routers };
}

test('a lone router takes all partitions at once', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  await clock.advance(50);
  expect(shares()).toEqual([32]);
  expect(a.placement.running).toBe(true);
  expect(a.placement.held).toBe(32);
});

test('a second router gets its half without waiting for a lease to end, a third its third', async () => {
  const { clock, start, shares } = setup();
  start('a');
  await clock.advance(1_000);
  start('b');
  await clock.advance(100);
  expect(shares()).toEqual([16, 16]);
  start('c');
  await clock.advance(100);
  expect(shares().sort()).toEqual([10, 11, 11]);
});

test('leases are kept for as long as the router lives', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  const b = start('b');
  await clock.advance(60_000);
  expect(shares()).toEqual([16, 16]);
  expect([...a.lost, ...b.lost]).toEqual([]);
});

test('a graceful stop hands everything over at once', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  start('b');
  await clock.advance(1_000);
  const closed = a.placement.close();
  await clock.advance(20);
  await closed;
  expect(shares()).toEqual([0, 32]);
});

test('a killed router is replaced within the time to live and a second', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  start('b');
  await clock.advance(10_500);
  a.bus.setUp(false); // nothing of it reaches NATS any more
  await clock.advance(3_000);
  expect(shares()[1]).toBe(16);
  await clock.advance(4_000);
  expect(shares()).toEqual([0, 32]);
  expect(a.lost).toHaveLength(16);
});

test('a router cut off stops before another one begins, and takes part again when it is back', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  const b = start('b');
  await clock.advance(10_500);
  a.bus.setUp(false);
  for (let i = 0; i < 100; i++) {
    await clock.advance(100);
    shares();
  }
  expect(a.placement.held).toBe(0);
  a.bus.setUp(true);
  await clock.advance(200);
  expect(shares()).toEqual([16, 16]);
  expect(b.lost).toEqual([]);
});

test('a router that stood still for longer than its leases finds out before it does anything', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  start('b');
  await clock.advance(10_000);
  a.bus.setFrozen(true);
  await clock.advance(8_000);
  expect(a.placement.held).toBe(0);
  expect(shares()[1]).toBe(32);
  a.bus.setFrozen(false);
  await clock.advance(3_000);
  expect(shares()).toEqual([16, 16]);
});

test('a partition whose lease somebody else holds is dropped as soon as that is seen', async () => {
  const { clock, nats, start } = setup();
  const a = start('a');
  await clock.advance(1_000);
  nats.bucket('leases').put('partition.5', new TextEncoder().encode('{"v":1,"owner":"x"}'));
  await clock.advance(10);
  expect(a.lost).toEqual([5]);
});

test('a partition whose lease somebody else holds is dropped when that is asked for', async () => {
  const { clock, nats, start } = setup();
  const a = start('a');
  await clock.advance(1_000);
  nats.bucket('leases').put('partition.3', new TextEncoder().encode('{"v":1,"owner":"x"}'));
  const confirmed = [a.placement.confirm(3), a.placement.confirm(4)];
  await clock.advance(10);
  expect(await Promise.all(confirmed)).toEqual([false, true]);
  expect(a.lost).toEqual([3]);
  expect(a.working.size).toBe(31);
});

test('a bus that is away for less than the leases costs nothing', async () => {
  const { clock, start, shares } = setup();
  const a = start('a');
  await clock.advance(1_000);
  for (let i = 0; i < 5; i++) {
    a.bus.setUp(false);
    await clock.advance(3_000);
    a.bus.setUp(true);
    await clock.advance(500);
  }
  expect(shares()).toEqual([32]);
  expect(a.lost).toEqual([]);
});
