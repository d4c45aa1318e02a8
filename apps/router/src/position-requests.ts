import type { Clock } from '@trivium/actors';
import type { Bus, BusMessage, LiveSubscription } from '@trivium/bus';
import {
  decodeJson,
  encodeJson,
  PositionAnswer,
  PositionRequest,
  positionSubject,
  TriviumError,
} from '@trivium/contracts';
import { readUpTo, type SleepIndex } from '@trivium/sessions';

/** How long an answer waits for the reading to come as far as the asker is. */
const WAIT_MS = 300;

/** Serves `tv1.x.<partition>` for the partitions that are open (rule 7). */
export interface PositionRequests {
  open(partition: number): void;
  close(partition: number): void;
  /** The log position at which somebody waits, the lowest. */
  readonly awaited: number;
  /** The reading has come further. */
  wake(): void;
  readonly stats: { readonly answered: number; readonly unknown: number };
}

interface Waiter {
  partition: number;
  upTo: number;
  done(): void;
}

export function servePositions(bus: Bus, index: SleepIndex, clock: Clock): PositionRequests {
  const served = new Map<number, LiveSubscription>();
  const waiters = new Set<Waiter>();
  const stats = { answered: 0, unknown: 0 };
  let awaited = Infinity;

  const hasRead = (partition: number, upTo: number): boolean => {
    const at = index.partition(partition);
    return at === undefined || readUpTo(at) >= upTo;
  };

  const answer = (partition: number, { client, cursor, upTo }: PositionRequest): Uint8Array => {
    const answer = index.answer(partition, client, cursor, upTo);
    if (answer.through === 0) stats.unknown++;
    stats.answered++;
    return encodeJson(PositionAnswer, answer);
  };

  const wait = (partition: number, request: PositionRequest): Promise<Uint8Array> =>
    new Promise((resolve) => {
      const { upTo } = request;
      const waiter: Waiter = {
        partition,
        upTo,
        done() {
          cancel();
          waiters.delete(waiter);
          resolve(answer(partition, request));
        },
      };
      const cancel = clock.after(WAIT_MS, () => waiter.done());
      waiters.add(waiter);
      awaited = Math.min(awaited, upTo);
    });

  const wake = (): void => {
    for (const waiter of waiters) if (hasRead(waiter.partition, waiter.upTo)) waiter.done();
    awaited = Infinity;
    for (const { upTo } of waiters) awaited = Math.min(awaited, upTo);
  };

  const handle = (partition: number, { data }: BusMessage): Uint8Array | Promise<Uint8Array> => {
    const request = decodeJson(PositionRequest, data);
    if (!request.ok) throw new TriviumError(request.error.code, request.error.message);
    const { upTo } = request.value;
    return hasRead(partition, upTo) ? answer(partition, request.value) : wait(partition, request.value);
  };

  return {
    open(partition) {
      if (served.has(partition)) return;
      served.set(
        partition,
        bus.serve(positionSubject(partition), (message) => handle(partition, message)),
      );
    },
    close(partition) {
      served.get(partition)?.close();
      served.delete(partition);
      for (const waiter of waiters) if (waiter.partition === partition) waiter.done();
    },
    get awaited() {
      return awaited;
    },
    wake,
    stats,
  };
}
