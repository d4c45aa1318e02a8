import { expect, test } from 'vitest';
import { acquireLease } from './lease.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { createFakeNats } from './testing/fake-nats.ts';

const bytes = (name: string): Uint8Array => new TextEncoder().encode(name);

function setup() {
  const clock = createFakeClock();
  const nats = createFakeNats(clock);
  const router = (name: string) => {
    const bus = nats.connect(name);
    const acquire = () =>
      acquireLease({
        bucket: bus.bucket('leases'),
        key: 'k',
        value: bytes(name),
        ttlMs: 6_000,
        marginMs: 1_000,
        clock,
      });
    return { bus, acquire };
  };
  return { clock, nats, a: router('a'), b: router('b') };
}

test('one holder at a time, and the next one at once after a release', async () => {
  const { a, b } = setup();
  const lease = await a.acquire();
  expect(lease?.held).toBe(true);
  expect(await b.acquire()).toBeUndefined();
  await lease?.release();
  expect(lease?.held).toBe(false);
  expect((await b.acquire())?.held).toBe(true);
});

test('work stops a margin before the entry expires, whatever the bus says', async () => {
  const { clock, nats, a } = setup();
  const lease = await a.acquire();
  a.bus.setUp(false);
  await clock.advance(4_999);
  expect(lease?.held).toBe(true);
  await clock.advance(1);
  expect(lease?.held).toBe(false);
  expect(nats.bucket('leases').get('k')).toBeDefined();
  await clock.advance(1_000);
  expect(nats.bucket('leases').get('k')).toBeUndefined();
});

test('a renewal counts from before it was sent', async () => {
  const { clock, a } = setup();
  const lease = await a.acquire();
  await clock.advance(2_000);
  a.bus.setFrozen(true);
  const renewal = lease?.renew();
  await clock.advance(1_500);
  a.bus.setFrozen(false);
  expect(await renewal).toBe('renewed');
  expect(lease?.leftMs).toBe(3_500);
});

test('a renewal answered after the deadline does not bring the lease back', async () => {
  const { clock, a } = setup();
  const lease = await a.acquire();
  await clock.advance(4_000);
  a.bus.setFrozen(true);
  const renewal = lease?.renew();
  await clock.advance(1_500);
  expect(lease?.held).toBe(false);
  a.bus.setFrozen(false);
  expect(await renewal).toBe('lost');
  expect(lease?.held).toBe(false);
  expect(await lease?.renew()).toBe('lost');
});

test('a renewal whose answer was lost is recognised by the next one', async () => {
  const { clock, a } = setup();
  const lease = await a.acquire();
  await clock.advance(2_000);
  a.bus.fault = (what) => (what.startsWith('put') || what.startsWith('get') ? 'answer' : undefined);
  expect(await lease?.renew()).toBe('unknown');
  a.bus.fault = undefined;
  await clock.advance(1_000);
  expect(await lease?.renew()).toBe('renewed');
  expect(lease?.leftMs).toBe(5_000);
});

test('a taking whose answer was lost is recognised by the next attempt', async () => {
  const { a } = setup();
  a.bus.fault = (what) => (what.startsWith('put') ? 'answer' : 'request');
  await expect(a.acquire()).rejects.toMatchObject({ code: 'bus.unavailable' });
  a.bus.fault = undefined;
  expect((await a.acquire())?.held).toBe(true);
});

test('an expired lease that another has taken is lost, and neither renewed nor deleted', async () => {
  const { clock, nats, a, b } = setup();
  const old = await a.acquire();
  await clock.advance(6_000);
  const taken = await b.acquire();
  expect(taken?.held).toBe(true);
  expect(await old?.renew()).toBe('lost');
  await old?.release();
  expect(nats.bucket('leases').get('k')?.value).toEqual(bytes('b'));
});

test('confirm asks the bucket: false as soon as another holds the key', async () => {
  const { nats, a } = setup();
  const lease = await a.acquire();
  expect(await lease?.confirm()).toBe(true);
  nats.bucket('leases').put('k', bytes('b'));
  expect(lease?.held).toBe(true);
  expect(await lease?.confirm()).toBe(false);
});
