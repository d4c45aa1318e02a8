import {
  encodeHeaders,
  isCommandTopic,
  messageSubject,
  publisherName,
  topicToTokens,
  TriviumError,
  type ErrorCode,
  type Properties,
  type Topic,
} from '@trivium/contracts';
import type { Access } from '@trivium/identity';
import { judge, type Ruling } from '@trivium/message-contracts';
import type { PublishPacket } from 'aedes';
import type { DoorParts } from './door-parts.ts';
import { Intake } from './intake.ts';
import { publishTopic } from './publish-rules.ts';
import type { MessageSpan } from './tracing.ts';

/** The connection that the messages come from. */
export interface PublisherHost {
  /** Once it has its CONNACK. */
  readonly access: Access;
  /** Runs what must not throw; ends the connection if it does. */
  attempt(where: string, run: () => void): void;
  end(reason: ErrorCode, detail?: string): void;
  /** PUBLISH packets may go on. */
  pump(): void;
}

/** How aedes is told: without an error it goes on, to PUBACK; with one it closes the connection. */
type Answer = (error?: Error | null) => void;

/** PUBLISH packets of one client, on their way to the bus. */
export class ClientPublisher {
  readonly #parts: DoorParts;
  readonly #host: PublisherHost;
  readonly #client: string;
  readonly #token: string;
  /** `Tv-Cl` of publishers whose subject does not name them. */
  readonly #author: string | undefined;
  readonly #headers: Uint8Array | undefined;
  readonly #intake: Intake;
  /** The last topic, checked, and its subjects: devices repeat themselves. */
  #topic: Topic | undefined;
  #subjects: [qos0: string, qos1: string] = ['', ''];
  /** It is below `cmd/`: commands do not reach clients here, so that they have nothing to answer. */
  #forCommands = false;

  /** `assigned`: the client did not choose its id. */
  constructor(parts: DoorParts, host: PublisherHost, client: string, assigned: boolean) {
    this.#parts = parts;
    this.#host = host;
    this.#client = client;
    const name = publisherName(client, assigned);
    this.#token = name.token;
    this.#author = name.header;
    this.#headers = encodeHeaders({ client: name.header });
    this.#intake = new Intake(parts.bus.publisher, parts.stats, {
      onRefused: (code) =>
        host.attempt('a refused publish', () => host.end(code, 'the bus refused a message')),
      onCaughtUp: () => host.pump(),
    });
  }

  /** Whether a further message would neither overtake another nor be too much. */
  get ready(): boolean {
    return this.#intake.postponed === 0 && this.#intake.bytes < this.#parts.config.maxOpenBytes;
  }

  take(packet: PublishPacket, answer: Answer): void {
    const { stats, tracing, bus, contracts } = this.#parts;
    const qos = packet.qos === 0 ? 0 : 1;
    const { topic } = packet;
    if (topic !== this.#topic || packet.qos > 1 || packet.retain) {
      const checked = publishTopic(packet, this.#parts.topicLimits);
      if (!checked.ok) return answer(new TriviumError(checked.error.code, checked.error.message));
      const tokens = topicToTokens(checked.value);
      this.#topic = checked.value;
      this.#forCommands = isCommandTopic(topic);
      this.#subjects = [messageSubject(0, this.#token, tokens), messageSubject(1, this.#token, tokens)];
    }
    const { access } = this.#host;
    if (this.#forCommands || (!access.unrestricted && !access.may('publish', topic)))
      return this.#deny(qos, answer);
    const payload = packet.payload as Buffer; // aedes' parser makes nothing else
    const message = { topic: this.#topic!, payload, qos, retain: false, client: this.#client } as const;
    const ruling = judge(contracts, message, qos > 0);
    // At QoS 0 nothing can be said: the message is dropped.
    if (ruling?.refused !== undefined) return answer();
    const subject = ruling?.letter?.subject ?? this.#subjects[qos];
    const span = tracing.enabled ? tracing.receive(topic, qos, this.#client) : undefined;
    const isPlain = span === undefined && ruling === undefined;
    const headers = isPlain ? this.#headers : this.#described(span, ruling);
    if (qos === 0) {
      stats.publishedQos0++;
      const taken = bus.publisher.live(subject, payload, headers);
      if (!taken) stats.droppedIn++;
      span?.end(taken ? undefined : 'bus.unavailable');
      return answer();
    }
    stats.publishedQos1++;
    const settle = (code?: ErrorCode): void =>
      this.#host.attempt('a stored publish', () => {
        span?.end(code);
        if (code === undefined) answer();
      });
    this.#intake.publish({ subject, payload, headers, settle });
  }

  /** Sends again what could not be stored. */
  retry(): void {
    this.#intake.retry();
  }

  /** The connection is gone. */
  close(): void {
    this.#intake.abandon();
  }

  /** It goes nowhere; at QoS 1 it is acknowledged all the same, in its turn [MQTT3-3.3.5-2]. */
  #deny(qos: 0 | 1, answer: Answer): void {
    this.#parts.stats.deniedIn++;
    if (qos === 0) return answer();
    this.#intake.accept((code) =>
      this.#host.attempt('a PUBLISH that is not allowed', () => {
        if (code === undefined) answer();
      }),
    );
  }

  #described(span: MessageSpan | undefined, ruling: Ruling | undefined): Uint8Array | undefined {
    const { traceparent, tracestate } = span ?? {};
    const properties: Properties = {
      ...ruling?.properties,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    return encodeHeaders({ client: this.#author, properties, ...ruling?.letter?.fields });
  }
}
