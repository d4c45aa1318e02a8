import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAckWindow } from './ack-window.ts';

test('an acknowledgement frees everything up to its position', () => {
  const window = createAckWindow(3);
  for (const pos of [5, 7, 9]) window.sent(pos);
  expect(window.full).toBe(true);
  window.acknowledge(7);
  expect(window.unacknowledged).toBe(1);
  expect(window.full).toBe(false);
});

test('an acknowledgement may repeat, lag behind, and be ahead of what was sent', () => {
  const window = createAckWindow(3);
  window.sent(5);
  for (const pos of [9, 9, 1]) window.acknowledge(pos);
  expect(window.unacknowledged).toBe(0);
  window.sent(6);
  expect(window.unacknowledged).toBe(1);
});

test('it counts as a plain list does, whatever is sent and acknowledged', () => {
  const step = fc.oneof(fc.record({ sent: fc.nat({ max: 3 }) }), fc.record({ ack: fc.nat({ max: 80 }) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 300 }), (limit, steps) => {
      const window = createAckWindow(limit);
      let list: number[] = [];
      let last = 0;
      for (const each of steps) {
        if ('sent' in each) {
          if (window.full) continue;
          last += each.sent + 1;
          window.sent(last);
          list.push(last);
        } else {
          window.acknowledge(each.ack);
          list = list.filter((pos) => pos > each.ack);
        }
        expect(window.unacknowledged).toBe(list.length);
        expect(window.full).toBe(list.length === limit);
      }
    }),
  );
});
