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

/** A topic as it was when the peeker subscribed. */
interface Expected {
  readonly stream: Stream;
  /** The last message acknowledged then. */
  readonly last: number;
  /** Messages sent until then, and until SUBACK. */
  readonly sent: number;
  sentUntilGranted: number;
}

interface Look {
  readonly subscriber: Subscriber;
  readonly expected: readonly Expected[];
  /** Numbers of what came with the retain flag, by topic. */
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

  /**
   * What rested all the time has to come as it was. Where messages were under way, one that was sent before SUBACK has to be
   * there, with the retain flag or as a new message: a retained message that is replaced on its way need not come.
   */
  const isRight = (
    { stream, last, sent, sentUntilGranted }: Expected,
    { got, subscriber }: Look,
  ): boolean => {
    const numbers = got.get(stream.topic) ?? [];
    if (last === sent && stream.sentAt.length === sent) return numbers.length === 1 && numbers[0] === last;
    if (numbers.some((seq, at) => at > 0 && seq <= (numbers[at - 1] ?? 0))) return false;
    for (let seq = last; seq <= sentUntilGranted; seq++) {
      if (numbers.includes(seq) || subscriber.receipts.has(stream, seq)) return true;
    }
    return false;
  };

  const judge = (look: Look): void => {
    const { expected, got, subscriber } = look;
    const { client } = subscriber;
    for (const one of expected) {
      if (isRight(one, look)) continue;
      const { topic, index } = one.stream;
      const numbers = got.get(topic) ?? [];
      const came = numbers.length === 0 ? 'none' : `no. ${numbers.join(', ')}`;
      const text = `${client.name}: ${came} of ${topic}, where no. ${one.last} was acknowledged [MQTT3-3.3.1-6]`;
      findings.add({ kind: 'retained wrong', text, ms: now(), client: client.number, stream: index });
    }
  };

  const advance = (current: Look): Look | undefined => {
    const { subscriber, wasOpen, grantedAt } = current;
    subscriber.tick();
    // Not judged when a kill came in between: a clean session has ended with its connection.
    if (wasOpen && !subscriber.client.isOpen) return undefined;
    if (!wasOpen && subscriber.client.isOpen) {
      const expected = messages.streams.flatMap((stream) => {
        const [last, sent] = [
          stream.acknowledgedAt.findLastIndex((at) => at !== NEVER) + 1,
          stream.sentAt.length,
        ];
        return stream.retain && last > 0 ? [{ stream, last, sent, sentUntilGranted: sent }] : [];
      });
      subscriber.subscribe({ filter: 'chaos/+/+', qos: 2 });
      return { ...current, wasOpen: true, expected };
    }
    if (wasOpen && grantedAt === undefined && subscriber.openRequests === 0) {
      for (const one of current.expected) one.sentUntilGranted = one.stream.sentAt.length;
      return { ...current, grantedAt: now() };
    }
    if (grantedAt === undefined || now() - grantedAt < pace.peekMs) return current;
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
