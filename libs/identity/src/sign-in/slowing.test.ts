import { waitFor } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuard } from '../guard/guard.ts';
import { createApiKey } from '../stored/api-keys.ts';
import { createStats } from '../stats.ts';
import { AUTHOR, outcome, startSite, withPassword, type Site } from '../testing/identity-under-test.ts';

describe('against guessing', () => {
  const setUp = () => {
    let now = 0;
    const stats = createStats();
    const guard = createGuard({ clock: () => now, stats });
    const wrong = (address: string, name: string): number => {
      const admitted = guard.admit(address, name, true);
      if (!admitted.ok) return Infinity;
      guard.failed(address, name);
      return admitted.value;
    };
    return { guard, stats, wrong, pass: (ms: number) => (now += ms) };
  };

  it('a name is free five times, then waits longer and longer, then is refused, from wherever it is tried', () => {
    const { wrong, stats } = setUp();
    const waits = Array.from({ length: 14 }, (_, i) => wrong(`192.0.2.${i}`, 'pump'));
    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 250, 500, 1_000, 2_000, 4_000, Infinity, Infinity, Infinity]);
    expect(wrong('192.0.2.1', 'valve')).toBe(0);
    expect(stats).toMatchObject({ delayed: 5, refused: 3 });
  });

  it('an address is slowed down by all that fail there, and an IPv6 network is one', () => {
    const { guard, wrong } = setUp();
    for (let i = 0; i < 21; i++) expect(wrong('192.0.2.1', `name${i}`)).toBe(0);
    expect(wrong('192.0.2.1', 'another')).toBe(125);
    expect(wrong('::ffff:192.0.2.1', 'another2')).toBeGreaterThan(125);
    expect(wrong('192.0.2.2', 'another3')).toBe(0);
    for (let i = 0; i < 21; i++) wrong(`2001:db8:0:1::${i.toString(16)}`, `name${i + 100}`);
    expect(wrong('2001:db8:0:1:ffff::1', 'x')).toBe(125);
    expect(wrong('2001:db8:0:2::1', 'y')).toBe(0);
    expect(guard.admit('192.0.2.1', undefined, false)).toMatchObject({
      ok: false,
      error: { code: 'rate.limited', retryAfterMs: expect.any(Number) },
    });
  });

  it('who was right there before is not slowed down by others, until it fails itself', () => {
    const { guard, wrong } = setUp();
    expect(guard.admit('192.0.2.9', 'pump', true)).toEqual({ ok: true, value: 0 });
    guard.succeeded('192.0.2.9', 'pump');
    for (let i = 0; i < 40; i++) wrong('192.0.2.1', 'pump');
    for (let i = 0; i < 40; i++) wrong('192.0.2.9', `name${i}`);
    expect(wrong('192.0.2.1', 'pump')).toBe(Infinity);
    expect(guard.admit('192.0.2.9', 'pump', true)).toEqual({ ok: true, value: 0 });
    expect(wrong('192.0.2.9', 'pump')).toBe(0);
    expect(wrong('192.0.2.9', 'pump')).toBe(Infinity);
  });

  it('what was right, or not found out, is no failure; others are forgotten with time', () => {
    const { guard, wrong, pass } = setUp();
    for (let i = 0; i < 100; i++) {
      guard.admit(`192.0.2.${i}`, 'pump', true);
      if (i % 2 === 0) guard.succeeded(`192.0.2.${i}`, 'pump');
      else guard.dropped('pump');
    }
    expect(wrong('198.51.100.1', 'pump')).toBe(0);
    for (let i = 0; i < 40; i++) wrong(`198.51.100.${i}`, 'pump');
    pass(900_000);
    expect(wrong('198.51.100.99', 'pump')).toBe(0);
  });
});

describe('who signs in', () => {
  let site: Site;
  beforeAll(async () => (site = await startSite()));
  afterAll(() => site[Symbol.asyncDispose]());

  it('and fails is answered later and later, then refused with the time to come again; his right password too', async () => {
    await site.user({ name: 'pump', password: 'right' });
    const identity = await site.identity();
    const tries = Array.from({ length: 14 }, (_, i) =>
      identity.signIn(withPassword('pump', `wrong${i}`), from('192.0.2.1')),
    );
    const results = await settled(tries);
    const codes = results.map((each) => (each.ok ? 'in' : each.error.code));
    expect(codes).toEqual([
      ...Array<string>(11).fill('auth.failed'),
      ...Array<string>(3).fill('rate.limited'),
    ]);
    const late = await identity.signIn(withPassword('pump', 'right'), from('192.0.2.1'));
    if (late.ok || late.error.code !== 'rate.limited') expect(late).toMatchObject({ ok: true });
    else expect(late.error.retryAfterMs).toBeGreaterThan(0);
    expect(identity.stats).toMatchObject({ failed: { password: 11 }, refused: expect.any(Number) });
    expect(identity.stats.delayed).toBeGreaterThanOrEqual(5);
  });

  it('with one wrong password for ever is slowed down alone: the other devices at its address are not', async () => {
    await site.user({ name: 'old', password: 'right' });
    await site.user({ name: 'good', password: 'right' });
    const identity = await site.identity();
    expect(await outcome(identity, withPassword('old', 'wrong'), from('192.0.2.7'))).toBe('auth.failed');
    for (let i = 0; i < 5; i++)
      expect(identity.signIn(withPassword('old', 'wrong'), from('192.0.2.7'))).toMatchObject({ ok: false });
    expect(identity.signIn(withPassword('old', 'wrong'), from('192.0.2.7'))).toBeInstanceOf(Promise);
    const begun = identity.stats.delayed;
    expect(await outcome(identity, withPassword('good', 'right'), from('192.0.2.7'))).toMatchObject({
      name: 'good',
    });
    expect(identity.stats.delayed).toBe(begun);
  });

  it('many times at once, with the same password, is verified once and not slowed down', async () => {
    await site.user({ name: 'crowd', password: 'right' });
    const identity = await site.identity();
    const tries = Array.from({ length: 50 }, () =>
      identity.signIn(withPassword('crowd', 'right'), from('192.0.2.30')),
    );
    expect(identity.stats.waiting).toBe(0);
    expect((await settled(tries)).every((each) => each.ok)).toBe(true);
    const wrong = Array.from({ length: 50 }, () =>
      identity.signIn(withPassword('crowd', 'no'), from('192.0.2.31')),
    );
    expect((await settled(wrong)).every((each) => !each.ok && each.error.code === 'auth.failed')).toBe(true);
    expect(identity.stats).toMatchObject({
      signedIn: { password: 50 },
      failed: { password: 50 },
      delayed: 0,
    });
  });

  it('with a wrong key again and again waits for the answer, and a right one does not', async () => {
    const identity = await site.identity();
    const wrong = { by: 'token', token: `tvk_abcdefghij01_${'A'.repeat(43)}` } as const;
    const answers = Array.from({ length: 40 }, () => identity.signIn(wrong, from('192.0.2.8')));
    expect(answers.slice(0, 20).every((each) => !(each instanceof Promise))).toBe(true);
    expect(answers.slice(21).some((each) => each instanceof Promise)).toBe(true);
    expect((await settled(answers)).map((each) => !each.ok && each.error.code)).toContain('rate.limited');
    const { version } = identity;
    const { key } = await createApiKey(site.bus, { name: 'app' }, AUTHOR);
    await waitFor(() => identity.version > version);
    expect(identity.signIn({ by: 'token', token: key }, from('192.0.2.8'))).toMatchObject({ ok: true });
  });

  it('and fails is written to the audit, one record a second for each address', async () => {
    const before = (await site.audit(0)).length;
    const identity = await site.identity();
    const client = { address: '192.0.2.20', loopback: false, client: 'c1' };
    for (let i = 0; i < 5; i++) await identity.signIn(withPassword('nobody', `secret${i}`), client);
    await identity.signIn({ by: 'nothing' }, { address: '192.0.2.21', loopback: false });
    const records = (await site.audit(before + 3)).slice(before);
    const of = (address: string) => records.filter((record) => record.address === address);
    const failure = {
      ...{ v: 1, kind: 'sign-in-failed', principal: 'nobody', service: 'test', client: 'c1' },
      ...{ address: '192.0.2.20', detail: 'password: no such user', at: expect.any(Number) },
    };
    expect(of('192.0.2.20')).toEqual([failure, { ...failure, times: 4 }]);
    expect(of('192.0.2.21')).toMatchObject([{ principal: '', detail: 'nothing: no credentials' }]);
    expect(JSON.stringify(records)).not.toContain('secret');
  });
});

function from(address: string) {
  return { address, loopback: false };
}

/** Some were answered at once. */
function settled<T>(answers: (T | Promise<T>)[]): Promise<T[]> {
  return Promise.all(answers.map(async (answer) => answer));
}
