import type { Publisher, StoreSink } from '@trivium/bus';
import type { ErrorCode } from '@trivium/contracts';
import { expect, it } from 'vitest';
import { Intake } from './intake.ts';
import { createStats } from './stats.ts';

/** An intake over a bus that answers when the test says so. */
function intake() {
  const sent: string[] = [];
  const settled: string[] = [];
  const refused: ErrorCode[] = [];
  let caughtUp = 0;
  let sink: StoreSink;
  const publisher = {
    durable: (subject, _payload, _headers, to) => {
      sent.push(subject);
      sink = to;
    },
  } as Partial<Publisher> as Publisher;
  const stats = createStats();
  const under = new Intake(publisher, stats, {
    onRefused: (code) => refused.push(code),
    onCaughtUp: () => caughtUp++,
  });
  const publish = (subject: string): void =>
    under.publish({
      subject,
      payload: Buffer.alloc(10),
      headers: undefined,
      settle: (code) => settled.push(code === undefined ? subject : `${subject} ${code}`),
    });
  const sinkOf = (): StoreSink => sink;
  return { under, publish, sent, settled, refused, stats, sinkOf, caughtUp: () => caughtUp };
}

it('settles in the order of the publishes, whatever the order of storage [MQTT3-4.6.0-2]', () => {
  const { publish, sinkOf, settled, stats, under } = intake();
  for (const subject of ['a', 'b', 'c']) publish(subject);
  sinkOf().stored(2, 1, false);
  sinkOf().stored(1, 2, false);
  expect(settled).toEqual([]);
  expect(under.bytes).toBe(30);
  sinkOf().stored(0, 3, false);
  expect(settled).toEqual(['a', 'b', 'c']);
  expect(stats.openPublishes).toBe(0);
  expect(under.bytes).toBe(0);
});

it('sends again, in order, what could not be stored; what came meanwhile waits behind it', () => {
  const { under, publish, sinkOf, sent, settled, stats, caughtUp } = intake();
  for (const subject of ['a', 'b', 'c']) publish(subject);
  sinkOf().failed(2, 'bus.unavailable');
  sinkOf().stored(1, 1, false);
  sinkOf().failed(0, 'bus.timeout');
  publish('d');
  expect(sent).toEqual(['a', 'b', 'c']);
  expect(under.postponed).toBe(3);
  under.retry();
  expect(sent.slice(3)).toEqual(['a', 'c', 'd']);
  expect(stats.retriedPublishes).toBe(3);
  expect(caughtUp()).toBe(1);
  for (const token of [0, 2, 3]) sinkOf().stored(token, 2, false);
  expect(settled).toEqual(['a', 'b', 'c', 'd']);
  under.retry();
  expect(sent).toHaveLength(6);
});

it('never settles what the bus refuses', () => {
  const { publish, sinkOf, settled, refused } = intake();
  publish('a');
  sinkOf().failed(0, 'bus.refused');
  expect(refused).toEqual(['bus.refused']);
  expect(settled).toEqual([]);
});

it('forgets everything when it is abandoned', () => {
  const { under, publish, sinkOf, settled, stats } = intake();
  publish('a');
  publish('b');
  under.abandon();
  expect(settled).toEqual(['a bus.unavailable', 'b bus.unavailable']);
  sinkOf().stored(0, 1, false);
  sinkOf().failed(1, 'bus.timeout');
  expect(settled).toHaveLength(2);
  expect(stats.openPublishes).toBe(0);
});
