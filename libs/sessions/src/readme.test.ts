import { partitionOf } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { SleepIndex } from './index.ts';

test('the example of the README does what it says', () => {
  const index = new SleepIndex({ limits: { maxMessages: 100_000, maxBytes: 268_435_456 } });
  const reading: { feed: { pos: number } | undefined; after: number } = { feed: undefined, after: 100 };
  index.open(new Map([[partitionOf('meter-7'), reading]]));
  index.sleep(partitionOf('meter-7'), 'meter-7', { cursor: 100, filters: [{ filter: 'cmd/#', from: 20 }] });
  index.settle();
  index.begin(100);
  const feed = { pos: 100 };
  reading.feed = feed;
  while (feed.pos < 300) {
    feed.pos++;
    const wanted = [104, 219, 260].includes(feed.pos);
    index.consider(feed, feed.pos, wanted ? 'cmd.open' : 'state', 64);
  }
  expect(index.answer(partitionOf('meter-7'), 'meter-7', 100, 250)).toEqual({
    v: 1,
    from: 100,
    through: 250,
    positions: [104, 219],
  });
});
