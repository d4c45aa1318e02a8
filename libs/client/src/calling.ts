import { TriviumError } from '@trivium/contracts';
import type { Clock } from './clock.ts';
import { replyOf, type ErrFrame, type Reply, type ReplyFrame } from './codec.ts';
import { errorOf } from './publishing.ts';

/** The commands of this client to devices. Each is sent once: whether a device has acted nobody knows without its reply. */
export interface Calling {
  /** Those that wait for the reply, or for a connection. */
  readonly open: number;
  /** Rejects at once when too many are open. */
  call(frame: object, timeoutMs?: number): Promise<Reply>;
  /** There is a connection: sends those that wait for one. */
  connected(): void;
  /** The connection is gone, and with it who waited for the replies. */
  disconnected(): void;
  /** Whether the answer was to one of these. */
  answered(frame: ReplyFrame | ErrFrame): boolean;
  close(error: TriviumError): void;
}

export interface CallingOptions {
  readonly nextId: () => number;
  readonly clock: Clock;
  readonly maxOpen: number;
  readonly maxWaitingBytes: number;
  /** The connection as it is now. */
  readonly wire: () => { readonly waitingBytes: number; send(frame: object): void } | undefined;
}

interface Open {
  readonly frame: object;
  readonly endsAtMs: number;
  sent: boolean;
  stopWaiting(): void;
  resolve(reply: Reply): void;
  reject(error: TriviumError): void;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** The hub says itself that the time is over; a hub that does not is not waited for much longer. */
const HUB_MS = 2_000;

export function createCalling(options: CallingOptions): Calling {
  const { nextId, clock, maxOpen, maxWaitingBytes, wire } = options;
  /** By id, in the order of the calls. */
  const open = new Map<number, Open>();

  const settle = (id: number): Open | undefined => {
    const one = open.get(id);
    open.delete(id);
    one?.stopWaiting();
    return one;
  };

  const fail = (id: number, error: TriviumError): void => settle(id)?.reject(error);

  const send = (id: number, one: Open): void => {
    const to = wire();
    if (to === undefined || one.sent) return;
    one.sent = true;
    one.stopWaiting();
    const timeoutMs = Math.max(1, Math.ceil(one.endsAtMs - clock.now()));
    one.stopWaiting = clock.after(timeoutMs + HUB_MS, () =>
      fail(id, new TriviumError('device.no-answer', 'the hub did not answer in time')),
    );
    to.send({ ...one.frame, id, timeoutMs });
  };

  return {
    get open() {
      return open.size;
    },
    call(frame, timeoutMs = DEFAULT_TIMEOUT_MS) {
      if (open.size >= maxOpen || (wire()?.waitingBytes ?? 0) > maxWaitingBytes)
        return Promise.reject(new TriviumError('bus.overloaded', `${open.size} commands wait for the reply`));
      const id = nextId();
      return new Promise((resolve, reject) => {
        // What is no JSON rejects here, and not when a connection comes.
        JSON.stringify(frame);
        const stopWaiting = clock.after(timeoutMs, () =>
          fail(id, new TriviumError('bus.unavailable', 'there is no connection to the hub')),
        );
        const endsAtMs = clock.now() + timeoutMs;
        const one: Open = { frame, endsAtMs, sent: false, stopWaiting, resolve, reject };
        open.set(id, one);
        send(id, one);
      });
    },
    connected() {
      for (const [id, one] of open) send(id, one);
    },
    disconnected() {
      const lost = 'the connection was lost before the reply; the device may have acted';
      for (const [id, { sent }] of open) if (sent) fail(id, new TriviumError('device.no-answer', lost));
    },
    answered(frame) {
      const one = frame.id === undefined ? undefined : settle(frame.id);
      if (frame.op === 'reply') one?.resolve(replyOf(frame));
      else one?.reject(errorOf(frame));
      return one !== undefined;
    },
    close(error) {
      for (const id of [...open.keys()]) fail(id, error);
    },
  };
}
