import type { SessionRecord, WillMessage } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterWills, settlement } from './settlement.ts';

const NOW = 1_000_000;
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
    expect(settlement(record, false, NOW)).toEqual({ do: 'nothing' });
});

test('a persistent session without a will is freed with all that it has, for as long as it says', () => {
  expect(settlement({ ...connected, expirySeconds: 60 }, true, NOW)).toEqual({
    do: 'free',
    record: { ...away, expirySeconds: 60, epoch: 5, endsAt: NOW + 60_000 },
    ttlSeconds: 60,
  });
  expect(settlement(connected, true, NOW)).toMatchObject({ do: 'free', ttlSeconds: undefined });
});

test('wills are written as due before they are published, those of former connections first', () => {
  const due = [{ epoch: 2, will, after: 1 }];
  const step = settlement({ ...connected, will, due }, true, NOW);
  expect(step).toEqual({
    do: 'claim',
    record: { ...away, epoch: 5, due: [...due, { epoch: 4, will, after: 7 }] },
  });
});

test('whoever finds wills due publishes them, and then frees or ends the session without another change of epoch', () => {
  const due = [{ epoch: 3, will, after: 7 }];
  expect(settlement({ ...away, due }, false, NOW)).toEqual({ do: 'publish', wills: due });
  expect(afterWills({ ...away, due, expirySeconds: 9 }, NOW)).toEqual({
    do: 'free',
    record: { ...away, expirySeconds: 9, endsAt: NOW + 9_000 },
    ttlSeconds: 9,
  });
  expect(afterWills({ ...away, due, clean: true }, NOW)).toEqual({ do: 'end' });
});

test('a session that ends with its connection is deleted, also by who finds it left over', () => {
  for (const ends of [{ clean: true }, { expirySeconds: 0 }]) {
    expect(settlement({ ...connected, ...ends }, true, NOW)).toEqual({ do: 'end' });
    expect(settlement({ ...away, ...ends }, false, NOW)).toEqual({ do: 'end' });
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
        let step = settlement(record, record.door !== undefined, NOW);
        if (step.do === 'nothing') break;
        if (step.do === 'publish') {
          published.push(...step.wills.map(({ epoch }) => epoch));
          step = afterWills(record, NOW);
        }
        record = step.do === 'free' || step.do === 'claim' ? step.record : undefined;
      }
      const ends = fields.clean || fields.expirySeconds === 0;
      expect(published).toEqual([...(fields.due ? [1] : []), ...(fields.will ? [4] : [])]);
      if (ends) expect(record).toBeUndefined();
      else expect(settlement(record!, false, NOW)).toEqual({ do: 'nothing' });
    }),
  );
});

test('[MQTT-3.1.2-8] a will that is to wait does, to the end of its session at the latest', () => {
  const patient = { ...will, delaySeconds: 30 };
  const lost = settlement({ ...connected, will: patient, expirySeconds: 3_600 }, true, NOW);
  const due = [{ epoch: 4, will: patient, after: 7, at: NOW + 30_000 }];
  expect(lost).toMatchObject({ do: 'claim', record: { due } });
  const record = { ...away, expirySeconds: 3_600, due };
  expect(settlement(record, false, NOW)).toEqual({ do: 'wait', untilMs: NOW + 30_000 });
  expect(settlement(record, false, NOW + 30_000)).toEqual({ do: 'publish', wills: due });
  const soon = settlement({ ...connected, will: patient, expirySeconds: 10 }, true, NOW);
  expect(soon).toMatchObject({ record: { due: [{ at: NOW + 10_000 }] } });
  const atOnce = settlement({ ...connected, will: patient, clean: true }, true, NOW);
  expect(atOnce).toMatchObject({ record: { due: [{ epoch: 4, will: patient, after: 7 }] } });
});

test('one will is published while another waits, and the record stays for it', () => {
  const waits = { epoch: 4, will, after: 7, at: NOW + 5_000 };
  const record = {
    ...away,
    expirySeconds: 1,
    endsAt: NOW + 1_000,
    due: [{ epoch: 3, will, after: 7 }, waits],
  };
  expect(settlement(record, false, NOW)).toMatchObject({ do: 'publish', wills: [{ epoch: 3 }] });
  expect(afterWills(record, NOW)).toMatchObject({ do: 'free', record: { due: [waits] }, ttlSeconds: 61 });
});
