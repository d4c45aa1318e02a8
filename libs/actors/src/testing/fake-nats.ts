import type { Bucket, Bus, BusMessage, Follower, FollowOptions } from '@trivium/bus';
import { TriviumError, type BucketName, type StreamName } from '@trivium/contracts';
import type { Clock } from '../clock.ts';
import { createFakeBucketStore, type FakeBucketStore, viewBucket } from './fake-bucket.ts';

interface Stored {
  subject: string;
  data: Uint8Array;
}

interface Log {
  first: number;
  messages: Map<number, Stored>;
  last: number;
}

/** What happens to a request: it is lost on its way there, or only its answer is. */
export type Fault = 'request' | 'answer';

export interface FakeBus extends Bus {
  /** Cuts the connection: requests fail, nothing is delivered. `true` brings it back. */
  setUp(up: boolean): void;
  /** Stands still: nothing is delivered and no timer of `clock` fires, until it goes on and all of it comes at once. */
  setFrozen(frozen: boolean): void;
  /** Time as this process has it. */
  readonly clock: Clock;
  /** Asked for every request to a bucket, e.g. `put presence.a`. */
  fault: ((what: string) => Fault | undefined) | undefined;
  /** Requests made to buckets. */
  readonly calls: string[];
}

export interface FakeNats {
  connect(incarnation: string): FakeBus;
  append(stream: StreamName, subject: string, payload: unknown): number;
  /** Forgets positions above `last`, as a power cut may. */
  truncate(stream: StreamName, last: number): void;
  /** Drops positions below `first`. */
  retain(stream: StreamName, first: number): void;
  /** Leaves a hole. */
  remove(stream: StreamName, pos: number): void;
  messages(stream: StreamName): { pos: number; subject: string; json: unknown }[];
  bucket(name: BucketName): FakeBucketStore;
}

/** Feeds do not keep step with each other: a turn brings a few messages, sometimes many. */
const UNEVEN = [1, 40, 3, 200, 7, 1, 90];

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** NATS in memory, as far as actors use it. Time to live by the given clock; `sizes` are the messages that a follower gets, turn by turn. */
export function createFakeNats(clock: Clock, sizes: readonly number[] = UNEVEN): FakeNats {
  const logs = new Map<StreamName, Log>();
  const buckets = new Map<BucketName, FakeBucketStore>();
  let turns = 0;
  const pumps = new Set<() => void>();
  const servers = new Map<string, Parameters<Bus['serve']>[1]>();

  const logOf = (stream: StreamName): Log => {
    let log = logs.get(stream);
    if (log === undefined) logs.set(stream, (log = { first: 1, messages: new Map(), last: 0 }));
    return log;
  };
  const bucketOf = (name: BucketName): FakeBucketStore => {
    let bucket = buckets.get(name);
    if (bucket === undefined) buckets.set(name, (bucket = createFakeBucketStore(clock)));
    return bucket;
  };
  const append = (stream: StreamName, subject: string, data: Uint8Array): number => {
    const log = logOf(stream);
    log.messages.set(++log.last, { subject, data });
    for (const pump of pumps) pump();
    return log.last;
  };

  const connect = (incarnation: string): FakeBus => {
    let frozen = false;
    let kept: (() => void)[] = [];
    const thawed: (() => void)[] = [];
    const open = new Set<() => void>(); // requests without an answer
    const listeners = new Set<(up: boolean) => void>();
    const views = new Map<BucketName, Bucket>();

    const deliver = (task: () => void): void => {
      kept.push(task);
      setImmediate(flush);
    };
    const flush = (): void => {
      if (frozen || !bus.up) return;
      const tasks = kept;
      kept = [];
      for (const task of tasks) task();
    };
    const unavailable = (): TriviumError => new TriviumError('bus.unavailable');
    const call = <T>(what: string, act: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        bus.calls.push(what);
        if (!bus.up) {
          setImmediate(() => reject(unavailable()));
          return;
        }
        const fault = bus.fault?.(what);
        const result = fault === 'request' ? undefined : act();
        const fail = (): void => reject(unavailable());
        open.add(fail);
        deliver(() => {
          open.delete(fail);
          if (fault === undefined) resolve(result as T);
          else fail();
        });
      });

    const unused = (): never => {
      throw new Error('actors do not use this');
    };
    const follow = ({ stream, after, onMessage, onLost, onReset }: FollowOptions): Follower => {
      const log = logOf(stream);
      let pos = after === 'end' ? log.last : after;
      let open = true;
      let begun = false;
      const begin = (): void => {
        begun = true;
        if (log.last < pos) onReset?.((pos = log.last));
        if (!open || log.first <= pos + 1) return;
        const from = pos;
        pos = log.first - 1;
        onLost?.(from, log.first);
      };
      const pump = (): void =>
        deliver(() => {
          if (open && !begun) begin();
          for (let left = sizes[turns++ % sizes.length]!; open && pos < log.last; left--) {
            if (left === 0) return pump();
            const at = ++pos;
            const stored = log.messages.get(at);
            if (stored !== undefined) onMessage(at, stored as unknown as BusMessage);
          }
        });
      pumps.add(pump);
      pump();
      const again = (up: boolean): void => {
        if (up) begun = false;
        if (up) pump();
      };
      listeners.add(again);
      return {
        get pos() {
          return pos;
        },
        ready: Promise.resolve(),
        caughtUp: unused,
        close() {
          open = false;
          pumps.delete(pump);
          listeners.delete(again);
        },
      };
    };

    const bus: FakeBus = {
      incarnation,
      clock: {
        ...clock,
        after(ms, fn) {
          let cancelled = false;
          const cancel = clock.after(ms, () => {
            if (!frozen) fn();
            else thawed.push(() => !cancelled && fn());
          });
          return () => {
            cancelled = true;
            cancel();
          };
        },
      },
      up: true,
      fault: undefined,
      calls: [],
      onState(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      publisher: {
        open: 0,
        pressed: false,
        onPressure: unused,
        live: unused,
        durable: unused,
        store: (subject, payload) =>
          call(`store ${subject}`, () => ({
            pos: append(subject.startsWith('tv1.l.') ? 'DEADLETTER' : 'EVENTS', subject, payload),
            duplicate: false,
          })),
      },
      live: { subscribe: unused, flush: unused },
      follow,
      lastPos: (stream) => call(`lastPos ${stream}`, () => logOf(stream).last),
      read: (stream, pos) => call(`read ${stream} ${pos}`, () => logOf(stream).messages.get(pos)),
      bucket(name) {
        let view = views.get(name);
        if (view === undefined) views.set(name, (view = viewBucket(name, bucketOf(name), call, deliver)));
        return view;
      },
      async request(subject, payload) {
        const pattern = `${subject.slice(0, subject.lastIndexOf('.'))}.>`;
        const handler = servers.get(pattern);
        if (handler === undefined) throw new TriviumError('bus.no-responders');
        const answer = await handler({ subject, data: payload } as BusMessage);
        if (!(answer instanceof Uint8Array)) throw new Error(`no plain answer on ${subject}`);
        return { subject, data: answer } as BusMessage;
      },
      serve(subject, handler) {
        servers.set(subject, handler);
        return {
          subject,
          close() {
            if (servers.get(subject) === handler) servers.delete(subject);
          },
        };
      },
      retain: unused,
      storeOnce: unused,
      readLast: unused,
      readAfter: unused,
      erase: unused,
      count: unused,
      missing: unused,
      inspect: unused,
      shared: { create: unused, remove: unused, list: unused, read: unused, settle: unused },
      fetch: unused,
      firstPosAfter: unused,
      stats: {} as Bus['stats'],
      close: () => Promise.resolve(),
      setUp(up) {
        if (up === bus.up) return;
        (bus as { up: boolean }).up = up;
        if (!up) for (const fail of open) fail();
        for (const listener of [...listeners]) listener(up);
        setImmediate(flush);
      },
      setFrozen(value) {
        frozen = value;
        if (frozen) return;
        // The worst order: what lies in the sockets is handled, piece by piece, before the timers that should have stopped it.
        const pieces = kept.splice(0);
        const next = (): void => {
          const piece = pieces.shift();
          if (piece === undefined) return;
          piece();
          queueMicrotask(next);
        };
        next();
        setImmediate(() => setImmediate(() => thawed.splice(0).forEach((fn) => fn())));
      },
    };
    return bus;
  };

  return {
    connect,
    append: (stream, subject, payload) => append(stream, subject, utf8.encode(JSON.stringify(payload))),
    truncate(stream, last) {
      const log = logOf(stream);
      for (let pos = last + 1; pos <= log.last; pos++) log.messages.delete(pos);
      log.last = last;
    },
    retain(stream, first) {
      const log = logOf(stream);
      for (let pos = log.first; pos < first; pos++) log.messages.delete(pos);
      log.first = first;
    },
    remove: (stream, pos) => void logOf(stream).messages.delete(pos),
    messages: (stream) =>
      [...logOf(stream).messages].map(([pos, { subject, data }]) => ({
        pos,
        subject,
        json: JSON.parse(text.decode(data)),
      })),
    bucket: bucketOf,
  };
}
