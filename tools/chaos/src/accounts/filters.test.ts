import { expect, test } from 'vitest';
import { covers, createFilters, isInForce, matches, mayBring } from './filters.ts';
import { createMessages } from './messages.ts';

test.each([
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/b', 'a/b/c', false],
  ['a/b/c', 'a/b', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a', false],
  ['a/+/c', 'a/b/c', true],
  ['+/+', 'a/b', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'a', true],
  ['#', 'a/b', true],
  ['a/#', 'b/a', false],
])('%s and %s: %s', (filter, topic, expected) => expect(matches(filter, topic)).toBe(expected));

/** A message that is sent at 10 and acknowledged at 20, as events. */
function oneMessage(qos: 1 | 2, transmissions = 1) {
  const messages = createMessages();
  const stream = messages.open('p', 'a/b', qos, false);
  for (let n = 0; n < transmissions; n++) messages.transmitted(stream, 1, 10 + n);
  messages.acknowledge(stream, 1, 20);
  return stream;
}

test('a term has to bring what was sent after SUBACK and acknowledged before UNSUBSCRIBE', () => {
  const stream = oneMessage(1);
  const filters = createFilters();
  const term = filters.begin('a/+', 1, 5);
  expect(filters.termsOf(stream)).toEqual([term]);
  expect([isInForce(term), covers(term, stream, 1)]).toEqual([false, false]);
  term.grantedAt = 11;
  expect(covers(term, stream, 1)).toBe(false);
  term.grantedAt = 9;
  expect([isInForce(term), covers(term, stream, 1)]).toEqual([true, true]);
  term.leavingAt = 19;
  expect([isInForce(term), covers(term, stream, 1)]).toEqual([false, false]);
  term.leavingAt = 21;
  expect(covers(term, stream, 1)).toBe(true);
  expect(covers(term, stream, 2)).toBe(false);
});

test('a term may bring what can be stored between SUBSCRIBE and UNSUBACK', () => {
  const filters = createFilters();
  const late = filters.begin('a/b', 2, 21);
  expect(mayBring(late, oneMessage(1), 1)).toBe(false);
  // Sent twice, stored perhaps twice, the second time perhaps late; at QoS 2 once.
  expect(mayBring(late, oneMessage(1, 2), 1)).toBe(true);
  expect(mayBring(late, oneMessage(2, 2), 1)).toBe(false);
  const early = filters.begin('a/b', 2, 1);
  expect(mayBring(early, oneMessage(2), 1)).toBe(true);
  early.leftAt = 9;
  expect(mayBring(early, oneMessage(2), 1)).toBe(false);
});
