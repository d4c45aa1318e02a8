import { DEFAULT_TOPIC_LIMITS } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topic } from './testing/arbitraries.ts';
import { isRoute, TopicRoutes } from './topic-routes.ts';

test('a topic is found by its bytes, wherever they lie', () => {
  const routes = new TopicRoutes(DEFAULT_TOPIC_LIMITS);
  fc.assert(
    fc.property(fc.array(topic, { minLength: 1, maxLength: 5 }), (topics) => {
      for (const name of topics) {
        const bytes = Buffer.from(`..${name}..`);
        const end = bytes.length - 2;
        const route = routes.find(bytes, 2, end)!;
        expect([route.topic, route.name.toString()]).toEqual([name, name]);
        expect(routes.find(Buffer.from(name), 0, end - 2)).toBe(route);
        expect(isRoute(route, bytes, 2, end)).toBe(true);
        expect(isRoute(route, bytes, 1, end - 1)).toBe(name === `.${name.slice(0, -1)}`);
        expect(isRoute(route, bytes, 2, end + 1)).toBe(false);
      }
    }),
  );
});

test('a long name is compared to its end', () => {
  const routes = new TopicRoutes(DEFAULT_TOPIC_LIMITS);
  const name = Buffer.from('x'.repeat(200));
  const route = routes.find(name, 0, 200)!;
  const other = Buffer.from(name);
  expect(isRoute(route, other, 0, 200)).toBe(true);
  other[199] = 0x79;
  expect(isRoute(route, other, 0, 200)).toBe(false);
});

test('the route keeps its own bytes: the chunk is not pinned', () => {
  const routes = new TopicRoutes(DEFAULT_TOPIC_LIMITS);
  const chunk = Buffer.from('a/b');
  const route = routes.find(chunk, 0, 3)!;
  chunk.fill(0x78);
  expect(route.name.toString()).toBe('a/b');
});

test('what is refused is not remembered, and says why', () => {
  const routes = new TopicRoutes({ maxTopicBytes: 10, maxTopicLevels: 3 });
  const refusal = (bytes: Buffer | string) => {
    const buffer = Buffer.from(bytes as string);
    return routes.find(buffer, 0, buffer.length) ?? routes.refusal;
  };
  expect(refusal('a/+')).toBe('protocol.malformed');
  expect(refusal('')).toBe('protocol.malformed');
  expect(refusal(Buffer.from([0xff]))).toBe('protocol.malformed');
  expect(refusal('12345678901')).toBe('topic.too-long');
  expect(refusal('a/b/c/d')).toBe('topic.too-deep');
  expect(refusal('a/b/c')).toMatchObject({ tokens: 'a.b.c' });
});

test('the cache is bounded, and what is used stays', () => {
  const routes = new TopicRoutes(DEFAULT_TOPIC_LIMITS);
  const find = (name: string) => routes.find(Buffer.from(name), 0, name.length)!;
  const used = find('used');
  const once = find('once');
  for (let i = 0; i < 50_000; i++) {
    find(`t${i}`);
    if (i % 1_000 === 0) expect(find('used')).toBe(used);
  }
  expect(find('once')).not.toBe(once);
});
