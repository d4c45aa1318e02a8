import {
  encodeHeaders,
  errorCode,
  ERRORS,
  messageSubject,
  publisherName,
  topicToTokens,
  TriviumError,
  type ErrorCode,
  type HeaderFields,
  type Message,
  type Properties,
  type PublicError,
} from '@trivium/contracts';
import type { Bus, FetchSink, RetainedRecord, StoreSink } from '@trivium/bus';
import { judge, type MessageContracts } from '@trivium/message-contracts';
import type { MessageSpan, MessageTracing } from '@trivium/telemetry';
import type { HttpStats } from './stats.ts';

/** Messages on their way into the bus. */
export interface Publishing {
  /**
   * `sink` is told once: when the bus has the message, with QoS 1 or `retain` when it is stored and then is the retained one of its
   * topic; or what went wrong, where the retryable codes say that the outcome is unknown. For QoS 0 it is told before this returns.
   *
   * `key`: what is stored is stored once, however often and at whichever door it is tried with this key within the two minutes for
   * which JetStream remembers it. Another message under the same key is refused as `idempotency.mismatch`.
   *
   * A message that breaks its contract is refused as `contract.violated`, goes through tagged, or is put aside: it then has no position.
   */
  begin(message: Message, key: string | undefined, sink: PublishSink, token: number): void;
  /** The same for one message. Rejects with a `TriviumError`. */
  publish(message: Message, key?: string): Promise<Published>;
}

export interface PublishSink {
  published(token: number, published: Published): void;
  failed(token: number, error: PublicError): void;
}

export interface Published {
  /** In the log; undefined: it is not there. */
  readonly pos: number | undefined;
  /** Of the sampled span; undefined: the message is not sampled. */
  readonly traceId: string | undefined;
}

export interface PublishingOptions {
  bus: Pick<Bus, 'publisher' | 'retain' | 'fetch'>;
  contracts: MessageContracts;
  tracing: MessageTracing;
  stats: HttpStats;
}

interface OpenPublish {
  readonly sink: PublishSink;
  readonly token: number;
  readonly span: MessageSpan | undefined;
  /** What is to be retained of it, but for its position. */
  readonly record: Omit<RetainedRecord, 'pos'> | undefined;
  /** What must be in the log already, if JetStream knows the key. */
  readonly keyed: { readonly subject: string; readonly payload: Uint8Array } | undefined;
  /** Undefined: it goes to the dead letters. */
  pos: number | undefined;
}

export function createPublishing({ bus, contracts, tracing, stats }: PublishingOptions): Publishing {
  const open = new Map<number, OpenPublish>();
  let serial = 0;

  const settle = (id: number): OpenPublish => {
    const publish = open.get(id)!;
    open.delete(id);
    stats.openPublishes--;
    return publish;
  };

  const fail = (sink: PublishSink, token: number, span: MessageSpan | undefined, code: ErrorCode): void => {
    stats.publishesFailed++;
    span?.end(code);
    sink.failed(token, { code, message: ERRORS[code].summary });
  };

  const failed = (id: number, code: ErrorCode): void => {
    const { sink, token, span } = settle(id);
    fail(sink, token, span, code);
  };

  const done = (id: number): void => {
    const { sink, token, span, pos } = settle(id);
    span?.end();
    sink.published(token, { pos, traceId: span?.traceId });
  };

  /** A retained message is stored first, and then retained with its position (rule 5). */
  const stored = (id: number): void => {
    const { record, pos } = open.get(id)!;
    if (record === undefined || pos === undefined) return done(id);
    bus.retain({ ...record, pos }).then(
      () => {
        stats.retained++;
        done(id);
      },
      (cause: unknown) => failed(id, errorCode(cause)),
    );
  };

  const compare: FetchSink = {
    fetched(id, message) {
      const { subject, payload } = open.get(id)!.keyed!;
      const same =
        message === undefined || (message.subject === subject && Buffer.compare(message.data, payload) === 0);
      if (same) stored(id);
      else failed(id, 'idempotency.mismatch');
    },
    failed,
  };

  const toLog: StoreSink = {
    stored(id, pos, duplicate) {
      const publish = open.get(id)!;
      if (publish.pos === undefined) return done(id);
      publish.pos = pos;
      if (duplicate && publish.keyed !== undefined) bus.fetch('MESSAGES', pos, compare, id);
      else stored(id);
    },
    failed,
  };

  const begin: Publishing['begin'] = (message, key, sink, token) => {
    const { topic, payload, qos, client } = message;
    const ruling = judge(contracts, message);
    if (ruling?.refused !== undefined) {
      stats.publishesRefused++;
      const { path, message: why } = ruling.refused;
      return sink.failed(token, { code: 'contract.violated', message: why, path });
    }
    const { letter, properties: given } = ruling ?? { ...message, letter: undefined };
    const retain = message.retain && letter === undefined;
    const { traceparent, tracestate } = given ?? {};
    const span = tracing.receive(topic, qos, client, traceparent, tracestate);
    const properties = carriedProperties(given, span, tracing.enabled);
    const name = publisherName(client);
    const tokens = topicToTokens(topic);
    if (qos === 0) stats.publishedQos0++;
    else stats.publishedQos1++;
    if (qos === 0 && !retain) {
      const headers = encodeHeaders({ properties, client: name.header, ...letter?.fields });
      const subject = letter?.subject ?? messageSubject(0, name.token, tokens);
      if (!bus.publisher.live(subject, payload, headers)) return fail(sink, token, span, 'bus.unavailable');
      span?.end();
      return sink.published(token, { pos: undefined, traceId: span?.traceId });
    }
    const msgId = key === undefined ? undefined : `http/${name.token}/${key}`;
    const qosBelowSubject = qos === 0 ? 0 : undefined;
    const own: HeaderFields = { client: name.header, qosBelowSubject, retain, ...letter?.fields };
    const headers = encodeHeaders({ properties, msgId, ...own });
    const subject = letter?.subject ?? messageSubject(1, name.token, tokens);
    const record = retain ? { tokens, payload, qos, client, properties } : undefined;
    const keyed = key === undefined || letter !== undefined ? undefined : { subject, payload };
    stats.openPublishes++;
    open.set(++serial, { sink, token, span, record, keyed, pos: letter === undefined ? 0 : undefined });
    bus.publisher.durable(subject, payload, headers, toLog, serial);
  };

  return {
    begin,
    publish: (message, key) =>
      new Promise((resolve, reject) => {
        const sink: PublishSink = {
          published: (_token, published) => resolve(published),
          failed: (_token, { code, message, path }) =>
            reject(new TriviumError(code, message, path === undefined ? {} : { path })),
        };
        begin(message, key, sink, 0);
      }),
  };
}

/** The trace context of the span instead of the client's; none when we trace and the message is not sampled. */
function carriedProperties(
  properties: Properties | undefined,
  span: MessageSpan | undefined,
  traced: boolean,
): Properties | undefined {
  if (span === undefined && (!traced || properties?.traceparent === undefined)) return properties;
  const { traceparent: _, tracestate: __, ...rest } = properties ?? {};
  if (span === undefined) return rest;
  const { traceparent, tracestate } = span;
  return tracestate === undefined ? { ...rest, traceparent } : { ...rest, traceparent, tracestate };
}
