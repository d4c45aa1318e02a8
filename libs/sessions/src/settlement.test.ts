import type { SessionRecord, WillMessage } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterWills, settlement } from './settlement.ts';

const will: WillMessage = { topic: 'gone', payload: '', qos: 1, retain: false };
const away: SessionRecord = {
  v: 1,
  epoch: 4,
  connectedAt: 100,
  principal: 'p',
  clean: false,
  pos: 7,
  subscriptions: [{ filter: 'a/#', qos: 1, from: 3 }],
  open: [{ id: 1, pos: 5 }],
  exactlyOnce: true,
};
const connected: SessionRecord = { ...away, door: 'd', connection: 'c' };

test('the session of a living door is left alone, whatever it is', () => {
  for (const record of [connected, { ...connected, will }, { ...connected, clean: true }])
    expect(settlement(record, false)).toEqual({ do: 'nothing' });
});

test('a persistent session without a will is freed with all that it has, for as long as it says', () => {
  expect(settlement({ ...connected, expirySeconds: 60 }, true)).toEqual({
    do: 'free',
    record: { ...away, expirySeconds: 60, epoch: 5 },
    ttlSeconds: 60,
  });
  expect(settlement(connected, true)).toMatchObject({ do: 'free', ttlSeconds: undefined });
});

test('wills are written as due before they are published, those of former connections first', () => {
  const due = [{ epoch: 2, will, after: 1 }];
  const step = settlement({ ...connected, will, due }, true);
  expect(step).toEqual({
    do: 'claim',
    record: { ...away, epoch: 5, due: [...due, { epoch: 4, will, after: 7 }] },
  });
});

test('whoever finds wills due publishes them, and then frees or ends the session without another change of epoch', () => {
  const due = [{ epoch: 3, will, after: 7 }];
  expect(settlement({ ...away, due }, false)).toEqual({ do: 'publish', wills: due });
  expect(afterWills({ ...away, due, expirySeconds: 9 })).toEqual({
    do: 'free',
    record: { ...away, expirySeconds: 9 },
    ttlSeconds: 9,
  });
  expect(afterWills({ ...away, due, clean: true })).toEqual({ do: 'end' });
});

test('a session that ends with its connection is deleted, also by who finds it left over', () => {
  for (const ends of [{ clean: true }, { expirySeconds: 0 }]) {
    expect(settlement({ ...connected, ...ends }, true)).toEqual({ do: 'end' });
    expect(settlement({ ...away, ...ends }, false)).toEqual({ do: 'end' });
  }
});

test('step by step every session of a dead door comes to rest, its wills published once', () => {
  const some = <T>(value: T): fc.Arbitrary<T | undefined> =>
    fc.option(fc.constant(value), { nil: undefined });
  const input = fc.record({
    clean: fc.boolean(),
    expirySeconds: fc.constantFrom(undefined, 0, 60),
    will: some(will),
    due: some([{ epoch: 1, will, after: 1 }]),
  });
  fc.assert(
    fc.property(input, (fields) => {
      let record: SessionRecord | undefined = JSON.parse(JSON.stringify({ ...connected, ...fields }));
      const published: number[] = [];
      for (let steps = 0; steps < 5 && record !== undefined; steps++) {
        let step = settlement(record, record.door !== undefined);
        if (step.do === 'nothing') break;
        if (step.do === 'publish') {
          published.push(...step.wills.map(({ epoch }) => epoch));
          step = afterWills(record);
        }
        record = step.do === 'free' || step.do === 'claim' ? step.record : undefined;
      }
      const ends = fields.clean || fields.expirySeconds === 0;
      expect(published).toEqual([...(fields.due ? [1] : []), ...(fields.will ? [4] : [])]);
      if (ends) expect(record).toBeUndefined();
      else expect(settlement(record!, false)).toEqual({ do: 'nothing' });
    }),
  );
});
