import { matches, type Topic } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSubscribing } from './subscribing.ts';
import type { Message } from './codec.ts';
import { fakePlatform } from './hub.fixture.ts';

const TOPICS = ['a', 'b', 'c'];
const FILTERS = ['a', 'b', '#', '+'];

/**
 * One connection as the hub serves it: one source in the order of the log, which a subscription can take back, and one subscription after
 * the other; messages may overtake the answer (`libs/delivery`, `apps/ws-ingress`).
 */
function serve(log: readonly string[]) {
  const wishes = new Map<string, number>();
  let unanswered: number | undefined;
  let at = 0;
  return {
    wishes,
    get busy() {
      return unanswered !== undefined;
    },
    take(frame: { op: string; id: number; filters: { filter: string }[]; from?: number }) {
      const start = Math.min(frame.from ?? log.length, log.length);
      if (wishes.size === 0) at = start;
      else if (start < at) {
        for (const [filter, from] of wishes) wishes.set(filter, Math.max(from, at));
        at = start;
      }
      for (const { filter } of frame.filters) wishes.set(filter, start);
      unanswered = frame.id;
    },
    /** The position that an answer tells is the one when it leaves. */
    answer() {
      if (unanswered === undefined) return undefined;
      const answer = { op: 'ok' as const, id: unanswered, pos: at };
      unanswered = undefined;
      return answer;
    },
    /** The next message that somebody wants. */
    next(): Message | undefined {
      while (wishes.size > 0 && at < log.length) {
        const topic = log[at++]!;
        const wanted = [...wishes].some(
          ([filter, from]) => at > from && matches(filter as never, topic as Topic),
        );
        if (wanted) return { topic, payload: '', qos: 1, retain: false, pos: at };
      }
      return undefined;
    },
  };
}

type Move =
  | { readonly do: 'store'; readonly topic: string }
  | { readonly do: 'subscribe'; readonly filter: string; readonly back: number | undefined }
  | { readonly do: 'connect' | 'drop' | 'request' | 'answer' | 'message' };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('store' as const), topic: fc.constantFrom(...TOPICS) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      filter: fc.constantFrom(...FILTERS),
      back: fc.option(fc.nat(6), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('connect' as const, 'connect' as const, 'drop' as const) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom('request' as const, 'answer' as const, 'message' as const) }),
  },
);

test('whenever connections break and whatever comes before its answer, each filter gets all of its messages once, in order', () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 30, maxLength: 200, size: 'max' }), (moves) => {
      const log: string[] = [];
      const { clock } = fakePlatform();
      /** Positions that each filter was given, and the one above which all are owed. */
      const given = new Map<string, number[]>();
      const owedAbove = new Map<string, number>();
      const requests: Parameters<ReturnType<typeof serve>['take']>[0][] = [];
      let hub: ReturnType<typeof serve> | undefined;
      let ids = 0;
      const subscribing = createSubscribing({
        nextId: () => ++ids,
        clock,
        wire: () => hub && { send: (frame) => void requests.push(frame as never) },
        give: (entries, message) => {
          for (const { filter } of entries) given.get(filter)!.push(message.pos!);
        },
        onRefused: () => undefined,
      });
      const step = (one: Move): unknown => {
        switch (one.do) {
          case 'store':
            return log.push(one.topic);
          case 'subscribe': {
            if (given.has(one.filter)) return;
            given.set(one.filter, []);
            const from = one.back === undefined ? undefined : Math.max(0, log.length - one.back);
            if (from !== undefined) owedAbove.set(one.filter, from);
            return void subscribing.subscribe(
              one.filter,
              () => undefined,
              from === undefined ? {} : { from },
            );
          }
          case 'connect':
            if (hub !== undefined) return;
            hub = serve(log);
            return subscribing.connected(log.length);
          case 'drop':
            hub = undefined;
            requests.length = 0;
            return subscribing.disconnected();
          case 'request': {
            if (hub === undefined || hub.busy) return;
            const request = requests.shift();
            return request && hub.take(request);
          }
          case 'answer': {
            const answer = hub?.answer();
            if (answer === undefined) return;
            subscribing.answered(answer);
            // Without a position of its own a filter begins, at the latest, when its first answer has come.
            for (const filter of hub!.wishes.keys())
              if (!owedAbove.has(filter)) owedAbove.set(filter, log.length);
            return;
          }
          case 'message': {
            const message = hub?.next();
            return message && subscribing.message(message);
          }
        }
      };
      for (const one of moves) step(one);
      for (let i = 0; i < 2 * log.length + 20; i++)
        for (const last of ['connect', 'request', 'answer', 'message'] as const) step({ do: last });

      for (const [filter, positions] of given) {
        expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
        const above = owedAbove.get(filter)!;
        const owed = log.flatMap((topic, i) =>
          i >= above && matches(filter as never, topic as Topic) ? [i + 1] : [],
        );
        expect(positions.filter((pos) => pos > above)).toEqual(owed);
      }
    }),
    { numRuns: 3_000 },
  );
});
