import { decodePos, retainedSubject, TriviumError, type ErrorCode } from '@trivium/contracts';
import type { Bus, FetchedMessage } from '@trivium/bus';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { Delivery, WantedMessage } from './receiver.ts';
import { keepRetained } from './retained-store.ts';
import type { Topics } from './topics.ts';

/** Messages read at once; so many are in memory at a time. */
const IN_FLIGHT = 128;

/** See `Delivery.read`. */
export function createRereader(bus: Bus, topics: Topics): Delivery['read'] {
  const fromLog = (positions: readonly number[]): Promise<(FetchedMessage | undefined)[]> =>
    new Promise((resolve, reject) => {
      const found = new Array<FetchedMessage | undefined>(positions.length).fill(undefined);
      let open = positions.length;
      const sink = {
        fetched(at: number, message: FetchedMessage | undefined) {
          found[at] = message;
          if (--open === 0) resolve(found);
        },
        failed: (_at: number, code: ErrorCode) =>
          reject(new TriviumError(code, 'reading messages again by position')),
      };
      positions.forEach((pos, at) => bus.fetch('MESSAGES', pos, sink, at));
    });

  const fill = (pos: number, message: FetchedMessage): DeliveredMessage | undefined => {
    const entry = topics.entry(topicTokens(message.subject));
    return entry && new DeliveredMessage().fill(message, entry, wireQos(message.subject), pos);
  };

  const fillRetained = async (pos: number, tokens: string): Promise<DeliveredMessage | undefined> => {
    const record = await bus.readLast('RETAINED', retainedSubject(tokens));
    const entry = topics.entry(tokens);
    if (record === undefined || entry === undefined) return undefined;
    if (decodePos((name) => record.headers?.get(name)) !== pos || record.data.length === 0) return undefined;
    const retained = keepRetained(entry, tokens, record);
    return new DeliveredMessage().fill(retained.message, entry, retained.qos, pos);
  };

  const some = async (
    wanted: readonly WantedMessage[],
    visit: Parameters<Delivery['read']>[1],
  ): Promise<void> => {
    const found = await fromLog(wanted.map(({ pos }) => pos));
    for (const [at, { pos, retained }] of wanted.entries()) {
      const message = found[at];
      if (message !== undefined) visit(pos, fill(pos, message));
      else visit(pos, retained === undefined ? undefined : await fillRetained(pos, retained));
    }
  };

  return async (wanted, visit) => {
    for (let at = 0; at < wanted.length; at += IN_FLIGHT) await some(wanted.slice(at, at + IN_FLIGHT), visit);
  };
}
