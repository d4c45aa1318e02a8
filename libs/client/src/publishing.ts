import { ERRORS, isErrorCode, TriviumError } from '@trivium/contracts';
import type { Clock } from './clock.ts';
import type { ErrFrame, OkFrame } from './codec.ts';

/** Where a message is in the log; undefined for QoS 0 that is not retained. */
export interface Published {
  readonly pos: number | undefined;
}

/** The messages of this client that the hub has not answered yet. */
export interface Publishing {
  /** How many. */
  readonly open: number;
  /** Rejects at once when too many are open, and for QoS 0 when there is no connection. */
  publish(frame: object, repeat: boolean): Promise<Published>;
  /** There is a connection: sends what is open, in the order of the calls. */
  connected(): void;
  /** The connection is gone: QoS 0 has had its chance. */
  disconnected(code: number): void;
  /** Whether the answer was to one of these. */
  answered(frame: OkFrame | ErrFrame): boolean;
  close(error: TriviumError): void;
}

export interface PublishingOptions {
  readonly nextId: () => number;
  readonly clock: Clock;
  readonly maxOpen: number;
  readonly maxWaitingBytes: number;
  /** The connection as it is now. */
  readonly wire: () => { readonly waitingBytes: number; send(frame: object): void } | undefined;
}

interface Open {
  readonly frame: object;
  /** QoS 1: sent until it is stored. */
  readonly repeat: boolean;
  resolve(published: Published): void;
  reject(error: TriviumError): void;
  stopRetry?: () => void;
}

const DEFAULT_RETRY_MS = 1_000;
/** [RFC6455-7.4.1]: the hub closed because a message was too large. */
const TOO_LARGE = 1009;

export function createPublishing(options: PublishingOptions): Publishing {
  const { nextId, clock, maxOpen, maxWaitingBytes, wire } = options;
  /** By id, in the order of the calls. */
  const open = new Map<number, Open>();

  const settle = (id: number): Open | undefined => {
    const one = open.get(id);
    open.delete(id);
    one?.stopRetry?.();
    return one;
  };

  /** The one that the hub could not take is not sent again and again: of those that were open it is the largest. */
  const dropTooLarge = (): void => {
    let largest: number | undefined;
    let most = -1;
    for (const [id, { frame }] of open) {
      const { length } = JSON.stringify(frame);
      if (length > most) [largest, most] = [id, length];
    }
    if (largest !== undefined) settle(largest)!.reject(new TriviumError('payload.too-large'));
  };

  return {
    get open() {
      return open.size;
    },
    publish(members, repeat) {
      const to = wire();
      if (open.size >= maxOpen || (to !== undefined && to.waitingBytes > maxWaitingBytes))
        return Promise.reject(new TriviumError('bus.overloaded', `${open.size} messages wait for the hub`));
      if (to === undefined && !repeat)
        return Promise.reject(new TriviumError('bus.unavailable', 'there is no connection to the hub'));
      const id = nextId();
      const frame = { ...members, id };
      return new Promise((resolve, reject) => {
        open.set(id, { frame, repeat, resolve, reject });
        to?.send(frame);
      });
    },
    connected() {
      for (const one of open.values()) {
        one.stopRetry?.();
        wire()?.send(one.frame);
      }
    },
    disconnected(code) {
      if (code === TOO_LARGE) dropTooLarge();
      for (const [id, { repeat, reject }] of open) {
        if (repeat) continue;
        settle(id);
        reject(new TriviumError('bus.unavailable', 'the connection was lost before the hub answered'));
      }
    },
    answered(frame) {
      const one = frame.id === undefined ? undefined : open.get(frame.id);
      if (one === undefined) return false;
      if (frame.op === 'ok') {
        settle(frame.id!)!.resolve({ pos: frame.pos });
      } else if (one.repeat && isTransient(frame)) {
        one.stopRetry = clock.after(frame.retryAfterMs ?? DEFAULT_RETRY_MS, () => wire()?.send(one.frame));
      } else settle(frame.id!)!.reject(errorOf(frame));
      return true;
    },
    close(error) {
      for (const id of [...open.keys()]) settle(id)!.reject(error);
    },
  };
}

/** What the hub could not do now and may do later. */
export function isTransient({ code }: ErrFrame): boolean {
  const category = isErrorCode(code) ? ERRORS[code].category : 'rejected';
  return category === 'retryable' || category === 'overloaded';
}

/** A hub of a later version may have codes that are not known here. */
export function errorOf({ code, message, retryAfterMs }: ErrFrame): TriviumError {
  return new TriviumError(isErrorCode(code) ? code : 'defect', message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
