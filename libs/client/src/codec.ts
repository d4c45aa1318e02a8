import {
  payloadFromJson,
  payloadToJson,
  type JsonDelivery,
  type JsonProperties,
  type PublicError,
} from '@trivium/contracts';

/** The answer to a request, and the hub's first word. */
export interface OkFrame {
  readonly op: 'ok';
  readonly id?: number;
  /** First frame only. */
  readonly clientId?: string;
  /** First frame: the end of the log. `pub`: where it is stored. `sub`: what matches above it is still to come. */
  readonly pos?: number;
  /** `sub`: QoS per filter, in order. */
  readonly granted?: readonly (0 | 1)[];
}

export interface ErrFrame extends PublicError {
  readonly op: 'err';
  readonly id?: number;
}

interface BodyMembers {
  readonly payload?: unknown;
  readonly payloadBase64?: string;
  readonly contentType?: string;
  readonly properties?: JsonProperties;
}

/** A command to this client; the hub's id is repeated in the reply. */
export interface CmdFrame extends BodyMembers {
  readonly op: 'cmd';
  readonly id: string;
  readonly name: string;
}

/** What a device has answered to this client's command. */
export interface ReplyFrame extends BodyMembers {
  readonly op: 'reply';
  readonly id: number;
}

/** What a hub sends, as far as this client knows it. */
export type ServerFrame = OkFrame | ErrFrame | JsonDelivery | CmdFrame | ReplyFrame | { readonly op: 'pong' };

/** The frame in a text; undefined for what is none, or of a later version. */
export function decodeFrame(text: string): ServerFrame | undefined {
  try {
    const frame = JSON.parse(text) as ServerFrame | null;
    switch (frame?.op) {
      case 'ok':
      case 'err':
      case 'msg':
      case 'cmd':
      case 'reply':
      case 'pong':
        return frame;
      case undefined:
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

/** A message that came. */
export interface Message {
  readonly topic: string;
  /** Bytes that are JSON under content type `application/json`: that value; else a string when they are UTF-8; else the bytes. */
  readonly payload: unknown;
  /** Of the delivery. */
  readonly qos: 0 | 1;
  /** The topic had retained it before the subscription. */
  readonly retain: boolean;
  readonly contentType?: string;
  readonly properties?: JsonProperties;
  /** Position in the log; stored messages only. */
  readonly pos?: number;
}

export function messageOf({ op: _, payloadBase64, payload, ...same }: JsonDelivery): Message {
  const qos = same.qos === 0 ? 0 : 1;
  return { ...same, qos, payload: payloadOf(payload, payloadBase64) };
}

/** What a device is told, or answers; payloads as in messages. */
export interface Reply {
  readonly payload: unknown;
  readonly contentType?: string;
  readonly properties?: JsonProperties;
}

/** A command that came. `properties.expiresAt`, by the hub's clock: nobody waits for the reply after that. */
export interface Command extends Reply {
  /** Names it in the whole hub. */
  readonly id: string;
  readonly name: string;
}

export function commandOf({ op: _, payloadBase64, payload, ...same }: CmdFrame): Command {
  return { ...same, payload: payloadOf(payload, payloadBase64) };
}

export function replyOf({ op: _, id: __, payloadBase64, payload, ...same }: ReplyFrame): Reply {
  return { ...same, payload: payloadOf(payload, payloadBase64) };
}

function payloadOf(payload: unknown, payloadBase64: string | undefined): unknown {
  if (payloadBase64 === undefined) return payload;
  const bytes = payloadFromJson({ payloadBase64 });
  return bytes.ok ? bytes.value : new Uint8Array(0);
}

export interface PublishOptions {
  /** Default 1: resolved when the hub has stored it. 0: at most once. */
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  /** Default: `application/json` for a payload that is neither a string nor bytes. */
  readonly contentType?: string;
  readonly properties?: JsonProperties;
}

/** The `pub` frame of a message, without its id. A string or bytes are the payload itself, anything else is sent as JSON. */
export function pubFrame(topic: string, payload: unknown, options: PublishOptions): object {
  const { qos = 1, ...same } = options;
  return { op: 'pub', topic, qos, ...same, ...payloadMembers(payload, same.contentType) };
}

export interface CommandOptions {
  /** How long to wait for the reply, with the time until there is a connection. Default 5 s, at most 5 minutes. */
  readonly timeoutMs?: number;
  /** Default: `application/json` for a payload that is neither a string nor bytes. */
  readonly contentType?: string;
  readonly properties?: JsonProperties;
}

/** The `cmd` frame of a command to a device, without its id and its time. */
export function cmdFrame(device: string, name: string, payload: unknown, options: CommandOptions): object {
  const { timeoutMs: _, ...same } = options;
  return { op: 'cmd', device, name, ...same, ...payloadMembers(payload, same.contentType) };
}

export interface ReplyOptions {
  /** Of what the handler returns. Default: `application/json` when it is neither a string nor bytes. */
  readonly contentType?: string;
}

export function replyFrame(id: string, payload: unknown, options: ReplyOptions): object {
  return { op: 'reply', id, ...options, ...payloadMembers(payload, options.contentType) };
}

function payloadMembers(payload: unknown, contentType: string | undefined): object {
  if (payload === undefined) return {};
  if (payload instanceof Uint8Array) return payloadToJson(payload, undefined);
  if (typeof payload === 'string') return { payload };
  return { payload, contentType: contentType ?? 'application/json' };
}
