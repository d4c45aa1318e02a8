import { accept, decodeToken, refuse, type Result } from '@trivium/contracts';
import { Type } from 'typebox';
import { type ActorKind, defineActor } from '../actor.ts';

const Counter = Type.Object({
  v: Type.Literal(1),
  pos: Type.Integer({ minimum: 0 }),
  count: Type.Integer(),
  /** The number expected next. */
  next: Type.Integer(),
  /** Numbers that were not the one expected: a loss, a repeat or a wrong order. */
  faults: Type.Integer(),
});

export interface CounterState {
  v: 1;
  pos: number;
  count: number;
  next: number;
  faults: number;
}

/** `{n}` counts; `{poison: true}` throws; `{invalid: true}` leaves a state that does not fit; `{ignore: true}` changes nothing; `get` is a request. */
export interface CounterMessage {
  n?: number;
  poison?: boolean;
  invalid?: boolean;
  ignore?: boolean;
  get?: boolean;
}

export interface CounterEffect {
  type: 'counted';
  n: number;
}

export type CounterKind = ActorKind<CounterState, CounterMessage, CounterEffect>;

/** Counts the numbers 0, 1, 2, … that come on `tv1.e.<event>.<id>`. */
export function defineCounter(name = 'counter', event = 'subscribed'): CounterKind {
  const prefix = `tv1.e.${event}.`;
  return defineActor<typeof Counter, CounterMessage, CounterEffect>({
    name,
    schema: Counter,
    bucket: 'devices',
    log: 'EVENTS',
    initial: () => ({ v: 1, pos: 0, count: 0, next: 0, faults: 0 }),
    address: (subject) =>
      subject.startsWith(prefix) ? decodeToken(subject.slice(prefix.length)) : undefined,
    decode: (_subject, data) => parse(data),
    request: (body) => (body['op'] === 'get' ? accept({ get: true }) : refuse('not-found', 'only get')),
    step(state, message) {
      if (message.poison) throw new Error('poison');
      if (message.invalid) return { state: { ...state, count: 0.5 }, effects: [] };
      if (message.ignore) return { state, effects: [] };
      if (message.get) return { state, effects: [{ type: 'reply', value: { count: state.count } }] };
      const n = message.n ?? -1;
      const faults = state.faults + (n === state.next ? 0 : 1);
      return {
        state: { ...state, count: state.count + 1, next: n + 1, faults },
        effects: [{ type: 'counted', n }],
      };
    },
  });
}

function parse(data: Uint8Array): Result<CounterMessage> {
  try {
    return accept(JSON.parse(new TextDecoder().decode(data)) as CounterMessage);
  } catch {
    return refuse('payload.invalid', 'not JSON');
  }
}
