import { encodeToken, partitionOf } from '@trivium/contracts';
import { hostActor } from '../actor.ts';
import { type Actors, type ActorsOptions, startActors } from '../actors.ts';
import { type CounterEffect, type CounterState, defineCounter } from './counter.ts';
import { createFakeClock } from './fake-clock.ts';
import { createFakeNats, type FakeBus } from './fake-nats.ts';
import { silent } from './silent.ts';

/** A router that runs counters, on NATS in memory and with time by hand. */
export interface Router {
  bus: FakeBus;
  actors: Actors;
  /** Effects that left, as `<id>/<n>`. */
  effects: string[];
}

export const kind = defineCounter();

/** NATS, its clock, and what a test does with counters. */
export function counterSite() {
  const clock = createFakeClock();
  const nats = createFakeNats(clock);
  const start = (name: string, options: Partial<ActorsOptions> = {}, actor = kind): Router => {
    const bus = nats.connect(name);
    const effects: string[] = [];
    const hosted = hostActor(
      actor,
      (effect: CounterEffect, { id }) => void effects.push(`${id}/${effect.n}`),
    );
    const actors = startActors({ bus, clock: bus.clock, logger: silent, actors: [hosted], ...options });
    return { bus, actors, effects };
  };
  const numbers = new Map<string, number>();
  /** The next number of each id. */
  const emit = (...ids: string[]): void => {
    for (const id of ids) {
      const n = numbers.get(id) ?? 0;
      numbers.set(id, n + 1);
      nats.append('EVENTS', `tv1.e.subscribed.${encodeToken(id)}`, { n });
    }
  };
  const send = (id: string, message: object): number =>
    nats.append('EVENTS', `tv1.e.subscribed.${encodeToken(id)}`, message);
  const state = (id: string): CounterState | undefined => {
    const entry = nats.bucket('devices').get(`counter.${encodeToken(id)}`);
    return entry === undefined
      ? undefined
      : (JSON.parse(new TextDecoder().decode(entry.value)) as CounterState);
  };
  const checkpoint = (id: string): number => {
    const entry = nats.bucket('devices').get(`checkpoint.counter.${partitionOf(id)}`);
    return (JSON.parse(new TextDecoder().decode(entry!.value)) as { pos: number }).pos;
  };
  return { clock, nats, start, emit, send, state, checkpoint, numbers };
}

export const ids = Array.from({ length: 40 }, (_, i) => `device ${i}`);

/** From now on snapshot writes are stored but answered only after the returned function is called. */
export function holdAnswers({ bus }: Router): () => void {
  const devices = bus.bucket('devices');
  const { put } = devices;
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  devices.put = async (key, ...rest) => {
    const revision = await put(key, ...rest);
    if (key.startsWith('counter')) await answered;
    return revision;
  };
  return answer;
}
