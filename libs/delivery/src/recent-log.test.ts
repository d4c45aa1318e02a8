import type { BusMessage } from '@trivium/bus';
import { describe, expect, it } from 'vitest';
import { RecentLog } from './recent-log.ts';

const message = (size: number): BusMessage => ({ data: new Uint8Array(size) }) as BusMessage;
const above = (log: RecentLog, pos: number): number[] => {
  const seen: number[] = [];
  log.replay(pos, (at) => seen.push(at) > 0);
  return seen;
};

describe('RecentLog', () => {
  it('replays what lies above a position, and stops when told', () => {
    const log = new RecentLog(10);
    for (const pos of [11, 12, 15, 16]) log.push(pos, message(10));
    expect(above(log, 10)).toEqual([11, 12, 15, 16]);
    expect(above(log, 13)).toEqual([15, 16]);
    expect(above(log, 16)).toEqual([]);
    const one: number[] = [];
    log.replay(10, (at) => one.push(at) > 1);
    expect(one).toEqual([11]);
  });

  it('covers only positions from which nothing is missing', () => {
    const log = new RecentLog(10);
    expect([9, 10, 11].map((pos) => log.covers(pos))).toEqual([false, true, true]);
    for (let pos = 11; pos < 11 + 10_000; pos++) log.push(pos, message(1));
    expect(log.covers(11)).toBe(false);
    const oldest = above(log, 0)[0]!;
    expect(log.covers(oldest - 1)).toBe(true);
    expect(log.covers(oldest - 2)).toBe(false);
  });

  it('is bounded in bytes', () => {
    const log = new RecentLog(0);
    for (let pos = 1; pos <= 100; pos++) log.push(pos, message(1 << 20));
    expect(above(log, 0).length).toBeLessThan(12);
  });
});
