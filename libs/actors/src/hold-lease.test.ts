import { expect, test } from 'vitest';
import { holdLease } from './hold-lease.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { createFakeNats } from './testing/fake-nats.ts';

const bytes = (name: string): Uint8Array => new TextEncoder().encode(name);

function setup() {
  const clock = createFakeClock();
  const nats = createFakeNats(clock);
  const bus = nats.connect('a');
  const told: string[] = [];
  let times = 0;
  const hold = () =>
    holdLease({
      bus,
      key: 'door.a',
      value: () => bytes(`a${++times}`),
      ttlMs: 6_000,
      clock,
      onHeld: () => told.push('held'),
      onLost: () => told.push('lost'),
    });
  return { clock, nats, bus, told, hold };
}

test('renews at a third of the time to live for as long as the process lives', async () => {
  const { clock, nats, told, hold } = setup();
  const lease = hold();
  await lease.ready;
  for (let i = 0; i < 20; i++) {
    await clock.advance(1_700);
    expect(nats.bucket('leases').get('door.a')).toBeDefined();
    expect(lease.held).toBe(true);
  }
  expect(told).toEqual(['held']);
});

test('tells that it is lost before others can see it gone, then takes it again with a value asked for after the loss', async () => {
  const { clock, nats, bus, told, hold } = setup();
  const lease = hold();
  await clock.advance(2_100);
  bus.setUp(false);
  await clock.advance(5_000);
  expect(told).toEqual(['held', 'lost']);
  expect(lease.held).toBe(false);
  expect(nats.bucket('leases').get('door.a')).toBeDefined();
  await clock.advance(1_500);
  expect(nats.bucket('leases').get('door.a')).toBeUndefined();
  bus.setUp(true);
  await clock.advance(10);
  expect(told).toEqual(['held', 'lost', 'held']);
  expect(nats.bucket('leases').get('door.a')?.value).toEqual(bytes('a2'));
});

test('a bus that is away for less than the lease costs nothing', async () => {
  const { clock, bus, told, hold } = setup();
  hold();
  await clock.advance(2_100);
  for (let i = 0; i < 5; i++) {
    bus.setUp(false);
    await clock.advance(3_000);
    bus.setUp(true);
    await clock.advance(100);
  }
  expect(told).toEqual(['held']);
});

test('waits for a key that somebody else holds', async () => {
  const { clock, nats, told, hold } = setup();
  nats.bucket('leases').put('door.a', bytes('other'), 0, 5);
  hold();
  await clock.advance(4_900);
  expect(told).toEqual([]);
  await clock.advance(2_100);
  expect(told).toEqual(['held']);
});

test('a release deletes the key at once and is no loss', async () => {
  const { clock, nats, told, hold } = setup();
  const lease = hold();
  await lease.ready;
  const released = lease.release();
  await clock.advance(0);
  await released;
  expect(nats.bucket('leases').get('door.a')).toBeUndefined();
  await clock.advance(20_000);
  expect(nats.bucket('leases').get('door.a')).toBeUndefined();
  expect(told).toEqual(['held']);
});
