import {
  encodeHeaders,
  errorCode,
  messageSubject,
  topicToTokens,
  TriviumError,
  type ErrorCode,
  type HeaderFields,
  type Message,
  type PublisherName,
} from '@trivium/contracts';
import type { Bus, RetainedRecord, StoreSink } from '@trivium/bus';
import { judge, type MessageContracts, type Violation } from '@trivium/message-contracts';
import type { MessageSpan, MessageTracing } from '@trivium/telemetry';
import type { FrameId } from './codec.ts';
import type { WsStats } from './stats.ts';
import { carriedProperties } from './trace-context.ts';

/** The messages of one client on their way into the bus. */
export interface Publishing {
  /** Messages that wait to be stored, or to be retained. */
  readonly open: number;
  publish(id: FrameId | undefined, message: Message): void;
}

export interface PublishingOptions {
  bus: Pick<Bus, 'publisher' | 'retain'>;
  client: string;
  name: PublisherName;
  contracts: MessageContracts;
  tracing: MessageTracing;
  stats: WsStats;
  /** The bus has the message; `pos` when it is stored in the log. What is to be retained is so. */
  onDone(id: FrameId | undefined, pos: number | undefined): void;
  onFailed(id: FrameId | undefined, error: TriviumError): void;
}

interface OpenPublish {
  readonly id: FrameId | undefined;
  readonly span: MessageSpan | undefined;
  /** What is to be retained of it, but for its position. */
  readonly record: Omit<RetainedRecord, 'pos'> | undefined;
  /** It goes to the dead letters, whose positions are not those of the log. */
  readonly aside: boolean;
}

/** What a retry is worth waiting for, by what went wrong. */
const RETRY_AFTER_MS = 1_000;

export function createPublishing(options: PublishingOptions): Publishing {
  const { bus, client, name, contracts, tracing, stats, onDone, onFailed } = options;
  const waiting = new Map<number, OpenPublish>();
  let published = 0;

  const settle = (token: number): OpenPublish => {
    const publish = waiting.get(token)!;
    waiting.delete(token);
    stats.openPublishes--;
    return publish;
  };

  const fail = (id: FrameId | undefined, span: MessageSpan | undefined, code: ErrorCode): void => {
    span?.end(code);
    stats.publishesFailed++;
    onFailed(id, new TriviumError(code, undefined, { retryAfterMs: RETRY_AFTER_MS }));
  };

  const refuse = (id: FrameId | undefined, { message, path }: Violation): void => {
    stats.publishesRefused++;
    onFailed(id, new TriviumError('contract.violated', message, { path }));
  };

  const done = (token: number, pos: number): void => {
    const { id, span, record, aside } = settle(token);
    span?.end();
    if (aside) return onDone(id, undefined);
    // QoS 0 is answered only when it has an id, also when it is stored.
    onDone(id, id === undefined && record?.qos === 0 ? undefined : pos);
  };

  const failed = (token: number, code: ErrorCode): void => {
    const { id, span } = settle(token);
    fail(id, span, code);
  };

  /** A retained message is stored first, and then retained with its position (rule 5). */
  const retain = (token: number, record: RetainedRecord): void => {
    bus.retain(record).then(
      () => {
        stats.retained++;
        done(token, record.pos);
      },
      (cause: unknown) => failed(token, errorCode(cause)),
    );
  };

  const sink: StoreSink = {
    stored(token, pos) {
      const { record } = waiting.get(token)!;
      if (record === undefined) done(token, pos);
      else retain(token, { ...record, pos });
    },
    failed,
  };

  return {
    get open() {
      return waiting.size;
    },
    publish(id, message) {
      const { topic, payload, qos } = message;
      const ruling = judge(contracts, { ...message, client });
      if (ruling?.refused !== undefined) return refuse(id, ruling.refused);
      const { letter, properties } = ruling ?? { ...message, letter: undefined };
      const { traceparent, tracestate } = properties ?? {};
      const span = tracing.receive(topic, qos, client, traceparent, tracestate);
      const carried = carriedProperties(properties, span, tracing.enabled);
      const retain = message.retain && letter === undefined;
      const qosBelowSubject = retain && qos === 0 ? 0 : undefined;
      const own: HeaderFields = { client: name.header, qosBelowSubject, retain, ...letter?.fields };
      const headers = encodeHeaders({ properties: carried, ...own });
      const tokens = topicToTokens(topic);
      if (qos === 0) stats.publishedQos0++;
      else stats.publishedQos1++;
      if (qos === 0 && !retain) {
        const subject = letter?.subject ?? messageSubject(0, name.token, tokens);
        if (!bus.publisher.live(subject, payload, headers)) return fail(id, span, 'bus.unavailable');
        span?.end();
        return onDone(id, undefined);
      }
      stats.openPublishes++;
      const token = published++;
      const record = retain ? { tokens, payload, qos, client, properties: carried } : undefined;
      waiting.set(token, { id, span, record, aside: letter !== undefined });
      const subject = letter?.subject ?? messageSubject(1, name.token, tokens);
      bus.publisher.durable(subject, payload, headers, sink, token);
    },
  };
}
