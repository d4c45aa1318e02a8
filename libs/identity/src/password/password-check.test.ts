import { accept, type Result } from '@trivium/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredUser } from '../directory/stored-user.ts';
import { createStats } from '../stats.ts';
import { USUAL_COST, passwordHash } from './argon2.ts';
import { createPasswordCheck, type PasswordCheck } from './password-check.ts';
import { parsePasswordHash, type Argon2Cost } from './password-hash.ts';
import { createPasswordMemory } from './password-memory.ts';
import { createQueue } from './queue.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };

async function user(password: string, cost: Argon2Cost, disabled = false): Promise<StoredUser> {
  const made = await passwordHash(password, cost);
  const parsed = made.ok ? parsePasswordHash(made.value) : made;
  if (!parsed.ok || !made.ok) throw new Error('refused');
  const stored = { by: parsed.value, mark: made.value };
  return { groups: [], disabled, password: stored, scram: undefined, certificates: undefined };
}

function checkOf(users: Map<string, StoredUser>, cost: Argon2Cost, stats = createStats()): PasswordCheck {
  const directory = {
    user: (name: string) => users.get(name),
    users: () => users.values(),
    usersVersion: 1,
  };
  return createPasswordCheck({ directory, cost, logger, stats });
}

describe('a password', () => {
  const users = new Map<string, StoredUser>();
  beforeAll(async () => {
    users.set('pump', await user('right', USUAL_COST));
    users.set('off', await user('right', USUAL_COST, true));
    users.set('bare', { ...(await user('right', USUAL_COST)), password: undefined });
  });
  afterAll(() => users.clear());

  it('that is verified does not hold up the event loop', async () => {
    const check = checkOf(users, USUAL_COST);
    let going = true;
    let turns = 0;
    const turning = (async () => {
      for (; going; turns++) await new Promise(setImmediate);
    })();
    await Promise.all(Array.from({ length: 20 }, async (_, i) => check('pump', `wrong${i}`)));
    going = false;
    await turning;
    // Without a thread pool there would be a few turns of the loop for each verification. By their number, as time is the machine's.
    expect(turns).toBeGreaterThan(20 * 20);
  });

  it('takes the same time and gets the same refusal whether the user is wrong, disabled, without one, or does not exist', async () => {
    // The setting of this process is another one than the users were made with.
    const check = checkOf(users, { memoryKiB: 1_024, passes: 1 });
    const names = ['pump', 'off', 'bare', 'nobody'];
    const times = new Map<string, number[]>(names.map((name) => [name, []]));
    for (let round = 0; round < 15; round++)
      for (const name of names)
        times
          .get(name)!
          .push(await used(async () => expect(await check(name, `wrong${round}`)).toMatchObject(FAILED)));
    // The least of each: what is above it is what this process does beside.
    const least = names.map((name) => Math.min(...times.get(name)!));
    expect(Math.max(...least) / Math.min(...least), least.join(' ')).toBeLessThan(2);
    // The right one of who is disabled as well.
    const disabled = await used(async () => expect(await check('off', 'right')).toMatchObject(FAILED));
    expect(disabled).toBeGreaterThan(Math.min(...least) / 4);
  });

  it('counts only if the stored one is still the same when it is verified', async () => {
    const changing = new Map([['pump', await user('right', USUAL_COST)]]);
    const check = checkOf(changing, USUAL_COST);
    const [again, off] = [await user('right', USUAL_COST), await user('right', USUAL_COST, true)];
    for (const other of [again, off]) {
      const result = check('pump', 'right');
      changing.set('pump', other);
      expect(await result).toMatchObject(FAILED);
      changing.set('pump', again);
    }
    const result = check('pump', 'right');
    changing.delete('pump');
    expect(await result).toMatchObject(FAILED);
  });

  it('beyond those that can wait is refused with the time to come again, not left hanging', async () => {
    const stats = createStats();
    const check = checkOf(new Map(), { memoryKiB: 1_024, passes: 1 }, stats);
    const results = Array.from({ length: 300 }, async (_, i) => check(`nobody${i}`, 'x'));
    expect(stats.waiting).toBe(256);
    const refused = (await Promise.all(results)).filter(
      (each) => !each.ok && each.error.code === 'rate.limited',
    );
    expect(refused).toHaveLength(300 - 256 - 2);
    for (const each of refused) expect(each).toMatchObject({ error: { retryAfterMs: expect.any(Number) } });
    expect(stats.waiting).toBe(0);
  });
});

describe('the queue', () => {
  it('runs two at a time, in order, and goes on after a failure', async () => {
    const running = new Set<number>();
    const begun: number[] = [];
    let most = 0;
    const queue = createQueue({ atOnce: 2, most: 10, clock: () => 0, onWaiting() {} });
    const run = (i: number): Promise<Result<number>> =>
      queue.run(async () => {
        running.add(i);
        begun.push(i);
        most = Math.max(most, running.size);
        await new Promise(setImmediate);
        running.delete(i);
        if (i === 3) throw new Error('three');
        return i;
      });
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => run(i)));
    expect(results.map((each) => each.status === 'fulfilled' && each.value)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((i) => i !== 3 && accept(i)),
    );
    expect(most).toBe(2);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('the memory of passwords', () => {
  it('knows one password of each user, as long as the stored one is the same, and so many users', () => {
    const memory = createPasswordMemory(2);
    memory.learn('a', 'm', 'x');
    memory.learn('b', 'm', 'x');
    expect(memory.knows('a', 'm', 'x')).toBe(true);
    for (const [mark, password] of [
      ['n', 'x'],
      ['m', 'y'],
      ['m x', ''],
      ['', 'm x'],
    ] as const)
      expect(memory.knows('a', mark, password)).toBe(false);
    memory.learn('c', 'm', 'x');
    expect(['a', 'b', 'c'].map((name) => memory.knows(name, 'm', 'x'))).toEqual([false, true, true]);
  });
});

const FAILED = { ok: false, error: { code: 'auth.failed' } };

/** Milliseconds of the processor, in all threads: what a busy machine gives to others is no difference of ours. */
async function used(task: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
