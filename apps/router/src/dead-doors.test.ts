import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@trivium/actors';
import type { Bucket, Entry, Logger } from '@trivium/bus';
import { doorLeaseKey, encodeJson, Presence, presenceKey } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { createDeadDoors } from './dead-doors.ts';
import { watchDoors } from './doors.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const GRACE_MS = 2_000;

function setup(online: Readonly<Record<string, { door: string; connectedAt?: number }>> = {}) {
  let now = 0;
  let timers: { at: number; fn: () => void }[] = [];
  const clock: Clock = {
    monotonicMs: () => now,
    wallMs: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await turn();
  };
  const advance = async (ms: number): Promise<void> => {
    await settle();
    now += ms;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { fn } of due) fn();
    await settle();
  };

  const entries: Entry[] = Object.entries(online).map(([client, { door, connectedAt = 100 }], i) => ({
    key: presenceKey(client),
    value: encodeJson(Presence, { v: 1, client, online: true, door, connectedAt, pos: 1 }),
    revision: i + 1,
  }));
  let reads = 0;
  let failing = 0;
  const devices = {
    entries() {
      reads++;
      return failing-- > 0 ? Promise.reject(new Error('no bus')) : Promise.resolve(entries);
    },
  } as unknown as Bucket;
  let tellDoor: Parameters<Bucket['watch']>[1] = () => undefined;
  let leasesKnown: () => void = () => undefined;
  const leases = {
    watch(_filter: string, onEntry: typeof tellDoor, onReady?: () => void) {
      tellDoor = onEntry;
      leasesKnown = onReady ?? leasesKnown;
      return { close() {} };
    },
  } as unknown as Bucket;

  const told: string[] = [];
  const doors = watchDoors({ leases, logger: silent, onChange: () => deadDoors.sweepSoon() });
  const deadDoors = createDeadDoors({
    doors,
    devices,
    clock,
    logger: silent,
    graceMs: GRACE_MS,
    holds: (client) => !client.startsWith('other'),
    tell: (client, door, since) =>
      told.push(since === undefined ? `${client}@${door}` : `${client}@${door} before ${since}`),
  });
  return {
    doors,
    deadDoors,
    advance,
    told,
    leasesKnown: () => leasesKnown(),
    reads: () => reads,
    failOnce: () => (failing = 1),
    lease(door: string, startedAt: number | undefined) {
      const value = { v: 1, incarnation: door, service: 's', startedAt };
      const bytes = startedAt === undefined ? undefined : new TextEncoder().encode(JSON.stringify(value));
      tellDoor(doorLeaseKey(door), bytes, 1);
    },
  };
}

test('the end of a lease tells the devices of that door, after the grace, and only those of partitions held', async () => {
  const { lease, leasesKnown, advance, told } = setup({
    a: { door: 'd1' },
    b: { door: 'd2' },
    other: { door: 'd1' },
  });
  lease('d1', 50);
  lease('d2', 50);
  leasesKnown();
  lease('d1', undefined);
  await advance(GRACE_MS - 1);
  expect(told).toEqual([]);
  await advance(1);
  expect(told).toEqual(['a@d1']);
});

test('a renewal is no change, a lease begun anew is one for the connections from before', async () => {
  const { lease, leasesKnown, advance, told, reads } = setup({
    a: { door: 'd1', connectedAt: 100 },
    b: { door: 'd1', connectedAt: 200 },
  });
  lease('d1', 50);
  leasesKnown();
  lease('d1', 50);
  await advance(GRACE_MS);
  expect(reads()).toBe(0);
  lease('d1', 200);
  await advance(GRACE_MS);
  expect(told).toEqual(['a@d1 before 200']);
});

test('many changes within the grace are one look through the snapshots, and one that comes meanwhile is not forgotten', async () => {
  const { lease, leasesKnown, advance, reads, deadDoors } = setup({ a: { door: 'd9' } });
  leasesKnown();
  for (let i = 0; i < 10; i++) {
    lease(`d${i}`, 1);
    lease(`d${i}`, undefined);
  }
  await advance(GRACE_MS);
  expect(reads()).toBe(1);
  deadDoors.sweepSoon();
  await advance(GRACE_MS);
  expect(reads()).toBe(2);
});

test('nothing is judged before all leases are known', async () => {
  const { deadDoors, lease, leasesKnown, advance, told } = setup({ a: { door: 'd1' } });
  deadDoors.sweepSoon();
  deadDoors.check('b', 'd1', 100);
  await advance(GRACE_MS * 3);
  expect(told).toEqual([]);
  lease('d1', 50);
  leasesKnown();
  await advance(0);
  expect(told).toEqual([]);
});

test('a device at a door without a lease is told after a whole grace, unless the lease has come', async () => {
  const { deadDoors, lease, leasesKnown, advance, told } = setup();
  leasesKnown();
  deadDoors.check('a', 'dead', 100);
  deadDoors.check('b', 'late', 100);
  await advance(GRACE_MS - 500);
  deadDoors.check('c', 'dead', 100);
  lease('late', 50);
  await advance(500);
  expect(told).toEqual(['a@dead']);
  await advance(GRACE_MS - 500);
  expect(told).toEqual(['a@dead', 'c@dead']);
  deadDoors.check('d', 'late', 100);
  await advance(GRACE_MS);
  expect(told).toEqual(['a@dead', 'c@dead']);
});

test('a flood of devices at dead doors becomes a look through the snapshots', async () => {
  const { deadDoors, leasesKnown, advance, reads, told } = setup({ last: { door: 'dead' } });
  leasesKnown();
  for (let i = 0; i < 5_000; i++) deadDoors.check(`c${i}`, 'dead', 100);
  await advance(GRACE_MS);
  expect(reads()).toBe(1);
  expect(told).toContain('last@dead');
});

test('a look that failed is repeated', async () => {
  const { lease, leasesKnown, advance, told, failOnce } = setup({ a: { door: 'd1' } });
  leasesKnown();
  lease('d1', 50);
  lease('d1', undefined);
  failOnce();
  await advance(GRACE_MS);
  expect(told).toEqual([]);
  await advance(GRACE_MS);
  expect(told).toEqual(['a@d1']);
});
