import {
  accept,
  check,
  JsonMessage,
  publicError,
  refuse,
  type ErrorCode,
  type PublicError,
  type QoS,
  type Refusal,
} from '@trivium/contracts';
import { Type, type Static } from 'typebox';

/** Names a request; the answer repeats it as it was. */
const FrameId = Type.Union([Type.String({ maxLength: 256 }), Type.Integer()]);
export type FrameId = Static<typeof FrameId>;

const Pos = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** 2 is well-formed: `pub` refuses it, `sub` grants 1. */
const RequestedQos = Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)]);
const id = Type.Optional(FrameId);

/** Publishes a message. */
export const PubFrame = Type.Object({
  ...JsonMessage.properties,
  op: Type.Literal('pub'),
  id,
  qos: Type.Optional(RequestedQos),
});

/** Subscribes, all filters or none; a filter alone is one with QoS 0. */
export const SubFrame = Type.Object({
  op: Type.Literal('sub'),
  id,
  filters: Type.Array(
    Type.Union([Type.String(), Type.Object({ filter: Type.String(), qos: Type.Optional(RequestedQos) })]),
    { minItems: 1 },
  ),
  from: Type.Optional(Pos),
  /** The retained messages that match follow the answer. Default: yes, unless it goes on by `from`. */
  retained: Type.Optional(Type.Boolean()),
});

export const UnsubFrame = Type.Object({
  op: Type.Literal('unsub'),
  id,
  filters: Type.Array(Type.Union([Type.String(), Type.Object({ filter: Type.String() })]), { minItems: 1 }),
});

/** Everything up to `pos` has been handled. */
export const AckFrame = Type.Object({ op: Type.Literal('ack'), id, pos: Pos });

/** Says who the client is: first where that is asked for, later to renew what has an end. */
export const AuthFrame = Type.Object({
  op: Type.Literal('auth'),
  id,
  token: Type.Optional(Type.String({ minLength: 1 })),
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
});

export const PingFrame = Type.Object({ op: Type.Literal('ping'), id });

/** What a command and its reply carry, as a message does. */
const { payload, payloadBase64, contentType, properties } = JsonMessage.properties;
const body = { payload, payloadBase64, contentType, properties };

/** Longest time for which a reply is waited for. */
const MAX_TIMEOUT_MS = 300_000;

/** Calls a device: answered by its `reply`, or `err`. */
export const CmdFrame = Type.Object({
  ...body,
  op: Type.Literal('cmd'),
  id: FrameId,
  device: Type.String(),
  name: Type.String(),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_MS })),
});

/** The reply to a command that came; `id` is that of the command. */
export const ReplyFrame = Type.Object({
  ...body,
  op: Type.Literal('reply'),
  id: Type.String({ minLength: 1, maxLength: 256 }),
});

export type PubFrame = Static<typeof PubFrame>;
export type SubFrame = Static<typeof SubFrame>;
export type UnsubFrame = Static<typeof UnsubFrame>;
export type AckFrame = Static<typeof AckFrame>;
export type AuthFrame = Static<typeof AuthFrame>;
export type PingFrame = Static<typeof PingFrame>;
export type CmdFrame = Static<typeof CmdFrame>;
export type ReplyFrame = Static<typeof ReplyFrame>;
/** What a client of `trivium.v1` may send. Members that are not named here are ignored: a later version may have added them. */
export type ClientFrame =
  PubFrame | SubFrame | UnsubFrame | AckFrame | AuthFrame | PingFrame | CmdFrame | ReplyFrame;

/** The answer to a request, and the server's first word. */
export interface OkFrame {
  readonly op: 'ok';
  readonly id?: FrameId;
  /** First frame only. */
  readonly clientId?: string;
  /** First frame: the end of the log. `pub`: where it is stored. `sub`: everything matching above it will be delivered. */
  readonly pos?: number;
  /** `sub`: QoS per filter, in order. */
  readonly granted?: readonly QoS[];
}

export interface ErrFrame extends PublicError {
  readonly op: 'err';
  readonly id?: FrameId;
}

export interface PongFrame {
  readonly op: 'pong';
  readonly id?: FrameId;
}

/** What the server sends beside `msg`, which is contracts' `JsonDelivery`, and `cmd` and `reply` (`command-frames.ts`). */
export type ServerFrame = OkFrame | ErrFrame | PongFrame;

const SCHEMAS = {
  pub: PubFrame,
  sub: SubFrame,
  unsub: UnsubFrame,
  ack: AckFrame,
  auth: AuthFrame,
  ping: PingFrame,
  cmd: CmdFrame,
  reply: ReplyFrame,
} as const;

export type DecodedFrame =
  | { readonly ok: true; readonly value: ClientFrame }
  /** `id` as far as it could be read, so that the client learns which of its requests was wrong. */
  | { readonly ok: false; readonly error: Refusal; readonly id: FrameId | undefined };

/** The frame in the text of one WebSocket message. Anything else than a known frame is a refusal with a reason. */
export function decodeFrame(text: string): DecodedFrame {
  const json = parseJson(text);
  if (!json.ok) return { ...json, id: undefined };
  const frame = json.value;
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame))
    return { ...refuse('protocol.malformed', 'a frame is a JSON object'), id: undefined };
  const { op } = frame as { op?: unknown };
  if (typeof op !== 'string') return refused('protocol.malformed', 'a frame has a string "op"', frame);
  if (!Object.hasOwn(SCHEMAS, op)) return refused('protocol.malformed', 'there is no such "op"', frame);
  const checked = check(SCHEMAS[op as keyof typeof SCHEMAS], frame);
  return checked.ok ? checked : refused('protocol.malformed', `${op}: ${checked.error.message}`, frame);
}

function parseJson(text: string) {
  try {
    return accept(JSON.parse(text) as unknown);
  } catch {
    return refuse('protocol.malformed', 'not JSON');
  }
}

function refused(code: ErrorCode, message: string, frame: object): DecodedFrame {
  const id = check(FrameId, (frame as { id?: unknown }).id);
  return { ok: false, error: { code, message }, id: id.ok ? id.value : undefined };
}

/** The text of an answer. Members without a value are left out. */
export function encodeFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** What a client is told of anything refused or thrown. */
export function errFrame(error: unknown, id: FrameId | undefined): ErrFrame {
  return { op: 'err', ...(id === undefined ? {} : { id }), ...publicError(error) };
}

export function okFrame(id: FrameId | undefined, members: Omit<OkFrame, 'op' | 'id'> = {}): OkFrame {
  return { op: 'ok', ...(id === undefined ? {} : { id }), ...members };
}
