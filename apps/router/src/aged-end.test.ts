import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@trivium/actors';
import { expect, test } from 'vitest';
import { createAgedEnd } from './aged-end.ts';

function setup() {
  let now = 0;
  let end = 0;
  let timers: { at: number; fn: () => void }[] = [];
  let tell: (up: boolean) => void = () => undefined;
  const clock: Clock = {
    monotonicMs: () => now,
    wallMs: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
  };
  const bus = {
    up: true,
    lastPos: () => (bus.up ? Promise.resolve(end) : Promise.reject(new Error('away'))),
    onState(listener: typeof tell) {
      tell = listener;
      return () => undefined;
    },
  };
  const aged = createAgedEnd(bus, clock);
  return {
    aged,
    logEndsAt: (pos: number) => (end = pos),
    setUp(up: boolean) {
      bus.up = up;
      tell(up);
    },
    async pass(ms: number) {
      for (const until = now + ms; ;) {
        const due = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        now = due === undefined ? until : due.at;
        if (due === undefined) return;
        timers = timers.filter((other) => other !== due);
        due.fn();
        await turn();
      }
    },
  };
}

test('the end of the log is told when it is old enough', async () => {
  const { aged, logEndsAt, pass } = setup();
  logEndsAt(10);
  await pass(0);
  logEndsAt(20);
  await pass(2_900);
  expect(aged.pos).toBe(0);
  await pass(100);
  expect(aged.pos).toBe(10);
  await pass(10_000);
  expect(aged.pos).toBe(20);
});

test('what was seen just before NATS went away is never told: a power cut may give it out again', async () => {
  const { aged, logEndsAt, pass, setUp } = setup();
  logEndsAt(10);
  await pass(5_000);
  logEndsAt(99);
  await pass(1_500);
  setUp(false);
  await pass(60_000);
  expect(aged.pos).toBe(10);
  logEndsAt(50);
  setUp(true);
  await pass(5_000);
  expect(aged.pos).toBe(50);
});
