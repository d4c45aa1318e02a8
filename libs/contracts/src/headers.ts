import { fromBase64, toBase64 } from './base64.ts';
import {
  decodeHeaderValue,
  decodePair,
  encodeHeaderValue,
  encodePair,
  isPrintableAscii,
} from './header-value.ts';
import { decodeToken } from './token.ts';
import { NO_CLIENT } from './message-subject.ts';
import { toUtf8 } from './utf8.ts';
import type { Properties, QoS } from './message.ts';

/** The NATS headers of a message. */
export const HEADERS = {
  responseTopic: 'Tv-Rt',
  correlationData: 'Tv-Cd',
  contentType: 'Tv-Ct',
  payloadFormat: 'Tv-Pf',
  client: 'Tv-Cl',
  qos: 'Tv-Q',
  expiresAt: 'Tv-Exp',
  userProperty: 'Tv-Up',
  retain: 'Tv-Ret',
  pos: 'Tv-Pos',
  topic: 'Tv-Tp',
  reason: 'Tv-Why',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  msgId: 'Nats-Msg-Id',
} as const;

export interface HeaderFields {
  readonly properties?: Properties | undefined;
  /** The publisher's id when its subject says `-`: `publisherName(id).header`. */
  readonly client?: string | undefined;
  /** The QoS when it is below the one in the subject. */
  readonly qosBelowSubject?: QoS | undefined;
  /** Retain-as-published. */
  readonly retain?: boolean | undefined;
  /** Position in `MESSAGES` that a retained record stands for. */
  readonly pos?: number | undefined;
  /** Of a message put aside as a dead letter, whose subject does not say it. */
  readonly topic?: string | undefined;
  /** Why it was put aside. */
  readonly reason?: string | undefined;
  /** JetStream drops a second message with the same id within the duplicate window. */
  readonly msgId?: string | undefined;
}

/** The first value of a header; `undefined` when there is none. */
export type HeaderGet = (name: string) => string | undefined;
/** All values of a header, in order. */
export type HeaderAll = (name: string) => readonly string[];

/** The raw NATS header block of what is given, or `undefined` when there is nothing to say. */
export function encodeHeaders(fields: HeaderFields): Uint8Array | undefined {
  const { properties, client, qosBelowSubject, retain, pos, topic, reason, msgId } = fields;
  let lines = properties === undefined ? '' : propertyLines(properties);
  if (client !== undefined) lines += `Tv-Cl: ${encodeHeaderValue(client)}\r\n`;
  if (qosBelowSubject !== undefined) lines += `Tv-Q: ${qosBelowSubject}\r\n`;
  if (retain === true) lines += 'Tv-Ret: 1\r\n';
  if (pos !== undefined) lines += `Tv-Pos: ${pos}\r\n`;
  if (topic !== undefined) lines += `Tv-Tp: ${encodeHeaderValue(topic)}\r\n`;
  if (reason !== undefined) lines += `Tv-Why: ${encodeHeaderValue(reason)}\r\n`;
  if (msgId !== undefined) lines += `Nats-Msg-Id: ${encodeHeaderValue(msgId)}\r\n`;
  return lines === '' ? undefined : toUtf8(`NATS/1.0\r\n${lines}\r\n`);
}

function propertyLines(properties: Properties): string {
  const { contentType, responseTopic, correlationData, payloadFormat, expiresAt, userProperties } =
    properties;
  const { traceparent, tracestate } = properties;
  let lines = '';
  if (contentType !== undefined) lines += `Tv-Ct: ${encodeHeaderValue(contentType)}\r\n`;
  if (responseTopic !== undefined) lines += `Tv-Rt: ${encodeHeaderValue(responseTopic)}\r\n`;
  if (correlationData !== undefined) lines += `Tv-Cd: ${encodeHeaderValue(toBase64(correlationData))}\r\n`;
  if (payloadFormat !== undefined) lines += `Tv-Pf: ${payloadFormat}\r\n`;
  if (expiresAt !== undefined) lines += `Tv-Exp: ${expiresAt}\r\n`;
  if (userProperties !== undefined)
    for (const [name, value] of userProperties) lines += `Tv-Up: ${encodePair(name, value)}\r\n`;
  if (traceparent !== undefined && isPrintableAscii(traceparent)) lines += `traceparent: ${traceparent}\r\n`;
  if (tracestate !== undefined && isPrintableAscii(tracestate)) lines += `tracestate: ${tracestate}\r\n`;
  return lines;
}

type Draft = { -readonly [K in keyof Properties]: Properties[K] };

/** The properties in a message's headers, `undefined` when there are none. What cannot be read (a foreign publisher) is left out. */
export function decodeProperties(get: HeaderGet, all: HeaderAll): Properties | undefined {
  const found: Draft = {};
  let any = false;
  const set = <K extends keyof Properties>(key: K, value: Draft[K] | undefined): void => {
    if (value === undefined) return;
    found[key] = value;
    any = true;
  };
  set('contentType', text(get(HEADERS.contentType)));
  set('responseTopic', text(get(HEADERS.responseTopic)));
  const correlationData = text(get(HEADERS.correlationData));
  if (correlationData !== undefined) set('correlationData', fromBase64(correlationData));
  const format = get(HEADERS.payloadFormat);
  if (format === '0' || format === '1') set('payloadFormat', format === '1' ? 1 : 0);
  set('expiresAt', integer(get(HEADERS.expiresAt)));
  const pairs = all(HEADERS.userProperty);
  if (pairs.length > 0) {
    const decoded = pairs.map(decodePair).filter((pair) => pair !== undefined);
    if (decoded.length > 0) set('userProperties', decoded);
  }
  set('traceparent', get(HEADERS.traceparent) || undefined);
  set('tracestate', get(HEADERS.tracestate) || undefined);
  return any ? found : undefined;
}

/** The publisher's id from the subject's client token, or from `Tv-Cl` when that says `-`. */
export function decodeClient(clientToken: string, get: HeaderGet): string | undefined {
  return clientToken === NO_CLIENT ? text(get(HEADERS.client)) : decodeToken(clientToken);
}

/** The QoS of a message: that of its subject unless `Tv-Q` says a lower one. */
export function decodeQos(subjectQos: QoS, get: HeaderGet): QoS {
  const value = get(HEADERS.qos);
  if (value === '0') return 0;
  return value === '1' && subjectQos === 2 ? 1 : subjectQos;
}

export function decodeRetain(get: HeaderGet): boolean {
  return get(HEADERS.retain) === '1';
}

/** `Nats-Msg-Id`. */
export function decodeMsgId(get: HeaderGet): string | undefined {
  return text(get(HEADERS.msgId));
}

/** `Tv-Pos` of a retained record. */
export function decodePos(get: HeaderGet): number | undefined {
  return integer(get(HEADERS.pos));
}

/** Topic and reason of a dead letter; `undefined` for what is none. */
export function decodeLetter(get: HeaderGet): { topic: string; reason: string } | undefined {
  const topic = text(get(HEADERS.topic));
  const reason = text(get(HEADERS.reason));
  return topic === undefined || reason === undefined ? undefined : { topic, reason };
}

function text(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : decodeHeaderValue(value);
}

function integer(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,16}$/.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}
