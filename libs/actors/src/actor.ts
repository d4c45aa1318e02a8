import {
  accept,
  check,
  decodeJson,
  encodeJson,
  encodeToken,
  refuse,
  type BucketName,
  type Result,
  type StreamName,
} from '@trivium/contracts';

/** A TypeBox schema, as `@trivium/contracts` takes it. */
export type Schema = Parameters<typeof check>[0];

/** What every actor's state has beside its own: the position in the actor's log that it includes. Kept by the runtime, never by a step. */
export interface Snapshot {
  readonly pos: number;
}

type Value<T extends Schema> = Extract<ReturnType<typeof check<T>>, { ok: true }>['value'];

/** The state that a schema describes. */
export type StateOf<T extends Schema> = Value<T> extends Snapshot ? Value<T> : never;

export interface ActorContext {
  readonly id: string;
  /** Position of the message in the actor's log; 0 for a message that did not come from it. */
  readonly pos: number;
  /** Milliseconds since the epoch, by the clock of this process. The same message may be stepped again with another time. */
  readonly nowMs: number;
}

/** The answer to a request; reserved among the effects of all actors. */
export interface Reply {
  readonly type: 'reply';
  /** Goes out as JSON. */
  readonly value: unknown;
}

export interface Step<State, Effect> {
  /** The same object when nothing changed: nothing is then written. */
  readonly state: State;
  readonly effects: readonly (Effect | Reply)[];
}

/** A single writer for one thing (a device): messages in order, one at a time, state in a key-value bucket. */
export interface ActorDefinition<State extends Snapshot, Message, Effect> {
  /** First token of the snapshot's key, `<name>.<id>`, and the name that requests use. */
  readonly name: string;
  readonly bucket: BucketName;
  /** The log that it follows; snapshots store a position in it. */
  readonly log: StreamName;
  initial(id: string): State;
  /** Id of the actor that a message of the log is for, from its subject alone; undefined: not for this kind of actor. */
  address(subject: string): string | undefined;
  /** `data` is a view: copy what is kept. A refusal goes to the dead letters at once. */
  decode(subject: string, data: Uint8Array): Result<Message>;
  /** A request's body as a message whose step answers with a `reply` effect. Without it requests are refused. */
  request?(body: Readonly<Record<string, unknown>>): Result<Message>;
  /** Pure. Throwing means a defect: it is tried again, then the message becomes a dead letter. */
  step(state: State, message: Message, context: ActorContext): Step<State, Effect>;
}

export interface ActorKind<State extends Snapshot, Message, Effect> extends ActorDefinition<
  State,
  Message,
  Effect
> {
  key(id: string): string;
  encode(state: State): Result<Uint8Array>;
  read(bytes: Uint8Array): Result<State>;
}

/**
 * Defines a kind of actor. `schema` describes its state, `pos` included, and is checked at every read and write, so that what a defect made of
 * a state is never stored.
 */
export function defineActor<T extends Schema, Message, Effect = never>(
  definition: ActorDefinition<StateOf<T>, Message, Effect> & { readonly schema: T },
): ActorKind<StateOf<T>, Message, Effect> {
  const { schema, name } = definition;
  if (name !== encodeToken(name)) throw new Error(`"${name}" cannot name an actor: it is not a plain token`);
  return {
    ...definition,
    key: (id) => `${name}.${encodeToken(id)}`,
    encode(state) {
      const checked = check(schema, state);
      return checked.ok ? accept(encodeJson(schema, checked.value)) : refuse('defect', checked.error.message);
    },
    read: (bytes) => decodeJson(schema, bytes) as Result<StateOf<T>>,
  };
}

/** Where an effect came from. */
export interface EffectSource {
  readonly id: string;
  readonly pos: number;
}

/**
 * Carries out an effect, once the snapshot that it belongs to is stored. At most once: a process that dies between the two loses the effect, so
 * an actor that must not keeps what it owes in its state and settles it in a step.
 */
export type Perform<Effect> = (effect: Effect, source: EffectSource) => void | Promise<void>;

/** A kind of actor with its effects, its types forgotten: what the runtime handles. */
export interface HostedActor extends ActorKind<Snapshot, unknown, unknown> {
  readonly perform: Perform<unknown>;
}

/** Puts a definition and the shell for its effects together. */
export function hostActor<State extends Snapshot, Message, Effect>(
  kind: ActorKind<State, Message, Effect>,
  perform: Perform<Effect>,
): HostedActor {
  // The runtime hands a kind only what this kind made: states from `initial` or `read`, messages from `decode` or `request`.
  return {
    ...(kind as unknown as ActorKind<Snapshot, unknown, unknown>),
    perform: perform as Perform<unknown>,
  };
}
