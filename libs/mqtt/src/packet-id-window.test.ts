import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketIdWindow } from './packet-id-window.ts';

test('[MQTT-2.3.1-1] [MQTT-2.3.1-2] ids are 1 to 65,535, in turn, and one in use is skipped', () => {
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
          open.length <= 10,
        ]);
        expect(window.oldest).toBe(open[0]?.pos);
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
