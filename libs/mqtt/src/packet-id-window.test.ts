import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketIdWindow } from './packet-id-window.ts';

test('[MQTT3-2.3.1-4] [MQTT-2.2.1-4] ids are 1 to 65,535, in turn, and one in use is skipped', () => {
  const window = new PacketIdWindow(10);
  expect(window.take(1)).toBe(1);
  for (let i = 2; i <= 65_535; i++) {
    expect(window.take(i)).toBe(i);
    window.acknowledge(i);
  }
  expect(window.take(7)).toBe(2);
});

test('no id is used twice at once, and the limit holds, whatever the order of acknowledgements', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(99), { maxLength: 300 }), (choices) => {
      const window = new PacketIdWindow(20);
      const open: { id: number; pos: number }[] = [];
      let pos = 0;
      for (const choice of choices) {
        if (choice < 60 && !window.full) {
          const id = window.take(++pos);
          expect(open.some((one) => one.id === id)).toBe(false);
          open.push({ id, pos });
        } else if (open.length > 0) {
          const [gone] = open.splice(choice % open.length, 1);
          expect(window.acknowledge(gone!.id)).toBe(true);
          expect(window.acknowledge(gone!.id)).toBe(false);
        }
        expect([window.open, window.full, window.roomy]).toEqual([
          open.length,
          open.length >= 20,
          open.length < 20,
        ]);
        expect(window.list()).toEqual(open);
      }
    }),
  );
});

test('an id that nobody gave is not in use', () => {
  const window = new PacketIdWindow(2);
  expect([window.has(1), window.acknowledge(1)]).toEqual([false, false]);
  window.take(1);
  expect(window.has(1)).toBe(true);
});

test('ids of QoS 2 exchanges count and are not given again until they are released', () => {
  const window = new PacketIdWindow(3);
  expect([window.take(7), window.reserve(), window.full]).toEqual([1, 2, false]);
  expect([window.take(8, 'a.b'), window.full]).toEqual([3, true]);
  expect([window.has(2), window.acknowledge(2)]).toEqual([false, false]);
  expect(window.list()).toEqual([
    { id: 1, pos: 7 },
    { id: 3, pos: 8, retained: 'a.b' },
  ]);
  window.release(2);
  expect(window.open).toBe(2);
});

test('[MQTT3-4.4.0-1] [MQTT-4.4.0-1] what an earlier connection left keeps its ids, but for one that has gone to QoS 2 since', () => {
  const window = new PacketIdWindow(10);
  window.restore(
    [
      { id: 5, pos: 50 },
      { id: 9, pos: 90, retained: 't' },
      { id: 6, pos: 60 },
    ],
    [9, 12],
  );
  expect(window.list()).toEqual([
    { id: 5, pos: 50 },
    { id: 7, pos: 90, retained: 't' },
    { id: 6, pos: 60 },
  ]);
  expect([window.open, window.take(1)]).toEqual([5, 8]);
});

test('a large window is filled again when half of it is free, a small one at once', () => {
  for (const [limit, worthWhile] of [
    [100, 50],
    [64, 63],
    [1, 0],
  ] as const) {
    const window = new PacketIdWindow(limit);
    const ids = Array.from({ length: limit }, (_, i) => window.take(i));
    while (window.open > worthWhile) {
      expect(window.roomy).toBe(false);
      window.acknowledge(ids.pop()!);
    }
    expect(window.roomy).toBe(true);
  }
});
