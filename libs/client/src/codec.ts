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

/** What a hub sends, as far as this client knows it. */
export type ServerFrame = OkFrame | ErrFrame | JsonDelivery | { readonly op: 'pong' };

/** The frame in a text; undefined for what is none, or of a later version. */
export function decodeFrame(text: string): ServerFrame | undefined {
  try {
    const frame = JSON.parse(text) as ServerFrame | null;
    switch (frame?.op) {
      case 'ok':
      case 'err':
      case 'msg':
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
  if (payloadBase64 === undefined) return { ...same, qos, payload };
  const bytes = payloadFromJson({ payloadBase64 });
  return { ...same, qos, payload: bytes.ok ? bytes.value : new Uint8Array(0) };
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
  const frame = { op: 'pub', topic, qos, ...same };
  if (payload === undefined) return frame;
  if (payload instanceof Uint8Array) return { ...frame, ...payloadToJson(payload, undefined) };
  if (typeof payload === 'string') return { ...frame, payload };
  return { ...frame, payload, contentType: same.contentType ?? 'application/json' };
}
