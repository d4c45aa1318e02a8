import { waitFor } from '@trivium/testing';
import { expect, inject, it } from 'vitest';
import { httpPublisher } from './clients/http.ts';
import { openTrivium } from './clients/trivium-ws.ts';

const hub = inject('hub');
const texts = (frames: readonly Record<string, unknown>[]): unknown[] => frames.map(({ payload }) => payload);

it('trivium.v1 resumes from the position of its last message: nothing lost, nothing twice', async () => {
  const publish = (from: number, to: number) =>
    httpPublisher().publish(
      hub,
      Array.from({ length: to - from }, (_, i) => ({
        topic: 'resume/a',
        payload: Buffer.from(`n${from + i}`),
        qos: 1 as const,
      })),
    );
  const url = `ws://${hub.host}:${hub.ws}/`;
  let pos = 0;
  {
    await using first = await openTrivium(url);
    await first.ask({ op: 'sub', filters: [{ filter: 'resume/+', qos: 1 }] });
    await publish(0, 5);
    await waitFor(() => first.pushed.length === 5);
    pos = Number(first.pushed[2]!['pos']);
  }
  await publish(5, 10);
  await using second = await openTrivium(url);
  await second.ask({ op: 'sub', filters: [{ filter: 'resume/+', qos: 1 }], from: pos });
  await publish(10, 12);
  await waitFor(() => second.pushed.length >= 9);
  expect(texts(second.pushed)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => `n${n}`));
});
