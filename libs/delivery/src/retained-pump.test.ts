import { parseFilter, parseTopic, topicToTokens, type QoS } from '@trivium/contracts';
import { waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import { Client } from './client.ts';
import { createRetainedPump } from './retained-pump.ts';
import type { Retained, RetainedStore } from './retained-store.ts';
import { Topics } from './topics.ts';
import type { Wish } from './wish.ts';

function filterOf(raw: string) {
  const parsed = parseFilter(raw);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

/** A store with these topics, which counts how often it is looked through, and a client with room for none. */
function fixture(names: readonly string[]) {
  const topics = new Topics();
  const all = names.map((name, at): Retained => {
    const topic = parseTopic(name);
    if (!topic.ok) throw new Error(topic.error.message);
    const tokens = topicToTokens(topic.value);
    const message = { subject: `tv1.m1.-.${tokens}`, data: new Uint8Array(1) };
    return { entry: topics.entry(tokens)!, message, qos: 1, pos: at + 1, expiresAt: undefined };
  });
  const looks: { filter: string; upTo: number }[] = [];
  const store: RetainedStore = {
    ...{ arrivals: all.length, size: all.length, caughtUp: () => Promise.resolve(), close: () => {} },
    match: (filter, upTo) => {
      looks.push({ filter, upTo });
      return all.slice(0, upTo);
    },
    isCurrent: (retained) => all.includes(retained),
  };
  const seen: string[] = [];
  let room = 0;
  const receiver = {
    ...{ id: 'c', onLive: () => {}, onDurable: () => true },
    onRetained: ({ topic }: { topic: string }) => {
      if (room === 0) return false;
      room--;
      seen.push(topic);
      return true;
    },
  };
  const client = new Client(receiver, {}, topics, { dropped: 0 });
  const subscribe = (raw: string, qos: QoS = 1): Wish => {
    const filter = filterOf(raw);
    const wish = { client, sub: { filter, qos, sendRetained: true }, from: 0, start: all.length, at: 0 };
    client.add(wish);
    pump.add(wish);
    return wish;
  };
  const pump = createRetainedPump(() => store);
  return {
    ...{ all, looks, seen, pump, client, subscribe },
    give: (messages: number) => {
      room = messages;
      pump.resume(client);
    },
  };
}

it('a client that subscribes again and again and does not read costs one look into the store', async () => {
  const { looks, seen, subscribe, give } = fixture(['a', 'b', 'c']);
  subscribe('#');
  await waitFor(() => looks.length === 1);
  for (let again = 0; again < 1_000; again++) {
    subscribe('#');
    subscribe('+');
  }
  await new Promise(setImmediate);
  expect(looks).toHaveLength(1);
  give(100);
  await waitFor(() => seen.length === 6);
  // Of what was asked for again only the last counts; the first look was for a subscription that has been replaced.
  expect(looks.map(({ filter }) => filter)).toEqual(['#', '#', '+']);
  expect(seen).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

it('what the store gets after the subscribe is not taken for retained, but for what it is told of', async () => {
  const { all, looks, seen, pump, subscribe, give } = fixture(['a', 'b']);
  const wish = subscribe('#', 0);
  const [late] = fixture(['late']).all;
  all.push(late!);
  pump.addLate(wish, late!);
  await waitFor(() => looks.length === 1);
  expect(looks).toEqual([{ filter: '#', upTo: 2 }]);
  give(100);
  await waitFor(() => seen.length === 3);
  pump.addLate(wish, late!);
  await waitFor(() => seen.length === 4);
  expect(seen).toEqual(['a', 'b', 'late', 'late']);
});
