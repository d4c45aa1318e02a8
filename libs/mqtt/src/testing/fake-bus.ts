import type { Bucket, Bus, BusMessage, Publisher, StoreSink } from '@trivium/bus';
import { TriviumError, type ErrorCode } from '@trivium/contracts';

export interface Published {
  subject: string;
  payload: string;
  headers: string | undefined;
}

export interface DurablePublish extends Published {
  store(pos?: number): void;
  fail(code: ErrorCode): void;
}

/** A bus in memory, as far as a door uses one. Durable publishes wait until the test stores or fails them. */
export class FakeBus {
  readonly live: Published[] = [];
  /** Durable publishes without an answer, but for events. */
  durable: DurablePublish[] = [];
  readonly events: Published[] = [];
  readonly records = new Map<string, { value: Uint8Array; revision: number }>();
  readonly served = new Map<string, Parameters<Bus['serve']>[1]>();
  readonly requests: { subject: string; payload: string }[] = [];
  up = true;
  pressed = false;
  revision = 0;
  readonly #state = new Set<(up: boolean) => void>();
  readonly #pressure = new Set<(pressed: boolean) => void>();
  readonly incarnation: string;
  answer: (subject: string) => Promise<BusMessage> = () =>
    Promise.reject(new TriviumError('bus.no-responders'));

  constructor(incarnation = 'door1') {
    this.incarnation = incarnation;
  }

  setUp(up: boolean): void {
    this.up = up;
    for (const listener of this.#state) listener(up);
  }

  setPressed(pressed: boolean): void {
    this.pressed = pressed;
    for (const listener of this.#pressure) listener(pressed);
  }

  /** Stores every durable publish that waits, in order. */
  storeAll(): void {
    for (const one of this.durable.splice(0)) one.store();
  }

  get bus(): Bus {
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const fake = this;
    const text = (bytes: Uint8Array | undefined) =>
      bytes === undefined ? undefined : Buffer.from(bytes).toString();
    const publisher: Publisher = {
      live(subject, payload, headers) {
        if (!fake.up) return false;
        fake.live.push({ subject, payload: text(payload)!, headers: text(headers) });
        return true;
      },
      durable(subject, payload, headers, sink: StoreSink, token) {
        const published = { subject, payload: text(payload)!, headers: text(headers) };
        if (subject.startsWith('tv1.e.')) return void fake.events.push(published);
        if (!fake.up) return queueMicrotask(() => sink.failed(token, 'bus.unavailable'));
        const drop = (one: DurablePublish) => (fake.durable = fake.durable.filter((other) => other !== one));
        const one: DurablePublish = {
          ...published,
          store(pos = ++fake.revision) {
            drop(one);
            sink.stored(token, pos, false);
          },
          fail(code) {
            drop(one);
            sink.failed(token, code);
          },
        };
        fake.durable.push(one);
      },
      store: () => Promise.reject(new Error('not used by doors')),
      get open() {
        return fake.durable.length;
      },
      get pressed() {
        return fake.pressed;
      },
      onPressure(listener) {
        fake.#pressure.add(listener);
        return () => void fake.#pressure.delete(listener);
      },
    };
    const bus: Partial<Bus> = {
      incarnation: this.incarnation,
      get up() {
        return fake.up;
      },
      onState(listener) {
        fake.#state.add(listener);
        return () => void fake.#state.delete(listener);
      },
      publisher,
      bucket: () => fake.#bucket(),
      serve(subject, handler) {
        fake.served.set(subject, handler);
        return { subject, close: () => void fake.served.delete(subject) };
      },
      request(subject, payload) {
        fake.requests.push({ subject, payload: text(payload)! });
        return fake.answer(subject);
      },
    };
    return bus as Bus;
  }

  #bucket(): Bucket {
    const { records } = this;
    const holds = (key: string, expect: number | undefined) =>
      expect === undefined || (records.get(key)?.revision ?? 0) === expect;
    const whenUp = async <T>(work: () => T): Promise<T> => {
      if (!this.up) throw new TriviumError('bus.unavailable');
      return work();
    };
    const bucket: Partial<Bucket> = {
      name: 'sessions',
      get: (key) =>
        whenUp(() => {
          const found = records.get(key);
          return found && { key, ...found };
        }),
      put: (key, value, { expect } = {}) =>
        whenUp(() => {
          if (!holds(key, expect)) return undefined;
          records.set(key, { value, revision: ++this.revision });
          return this.revision;
        }),
      delete: (key, expect) => whenUp(() => holds(key, expect) && records.delete(key)),
    };
    return bucket as Bucket;
  }
}
