import { NEVER, type Stream } from '../accounts/messages.ts';
import type { World } from '../world.ts';
import type { Door } from './client.ts';
import { createSubscriber, type Subscriber } from './subscriber.ts';

/** A client that was never there before, again and again: gets the retained messages, compares them, and goes for ever. */
export interface Peeker {
  begin(): void;
  tick(): void;
  stop(): void;
}

interface Look {
  readonly subscriber: Subscriber;
  /** Retained messages that were acknowledged before it subscribed. */
  readonly expected: readonly Stream[];
  /** Numbers of what came, by topic. */
  readonly got: Map<string, number[]>;
  wasOpen: boolean;
  grantedAt: number | undefined;
}

export function createPeeker(world: World, options: { doors: readonly Door[]; prefix: string }): Peeker {
  const { messages, findings, pace, now } = world;
  const random = world.random.fork('peeker');
  let number = 0;
  let looksAt = Infinity;
  let look: Look | undefined;

  const start = (): Look => {
    const name = `peeker${number++}`;
    const home = random.int(0, options.doors.length - 1);
    const got = new Map<string, number[]>();
    const subscriber = createSubscriber(world, {
      ...{ name, clientId: `${options.prefix}-${name}`, doors: options.doors, home },
      ...{ wanders: false, clean: true, answerDelayMs: 0 },
      retained: (topic, _payload, seq) => void got.set(topic, [...(got.get(topic) ?? []), seq]),
    });
    subscriber.client.come();
    return { subscriber, expected: [], got, wasOpen: false, grantedAt: undefined };
  };

  const judge = ({ expected, got, subscriber: { client } }: Look): void => {
    for (const { topic, index } of expected) {
      const numbers = got.get(topic) ?? [];
      // A topic that is published to just then may come twice, the newer one after the older one.
      const isRight =
        numbers.length > 0 && numbers.every((seq, at) => at === 0 || seq > (numbers[at - 1] ?? 0));
      if (isRight) continue;
      const text = `${client.name}: ${numbers.length === 0 ? 'none' : `no. ${numbers.join(', ')}`} of ${topic} [MQTT-3.3.1-6]`;
      findings.add({ kind: 'retained wrong', text, ms: now(), client: client.number, stream: index });
    }
  };

  const advance = (current: Look): Look | undefined => {
    const { subscriber, wasOpen, grantedAt } = current;
    subscriber.tick();
    // Not judged when a kill came in between: a clean session has ended with its connection.
    if (wasOpen && !subscriber.client.isOpen) return undefined;
    if (!wasOpen && subscriber.client.isOpen) {
      const expected = messages.streams.filter(
        ({ retain, acknowledgedAt }) => retain && acknowledgedAt.some((at) => at !== NEVER),
      );
      subscriber.subscribe({ filter: 'chaos/+/+', qos: 2 });
      return { ...current, wasOpen: true, expected };
    }
    if (wasOpen && grantedAt === undefined && subscriber.openRequests === 0)
      return { ...current, grantedAt: now() };
    if (grantedAt === undefined || now() - grantedAt < pace.answerMs) return current;
    judge(current);
    return undefined;
  };

  return {
    begin() {
      looksAt = now() + random.between(...pace.actionMs);
    },
    tick() {
      if (look === undefined) {
        if (now() >= looksAt) look = start();
        return;
      }
      const next = advance(look);
      if (next === undefined) {
        look.subscriber.client.stop();
        looksAt = now() + random.between(...pace.actionMs);
      }
      look = next;
    },
    stop() {
      looksAt = Infinity;
      look?.subscriber.client.stop();
      look = undefined;
    },
  };
}
