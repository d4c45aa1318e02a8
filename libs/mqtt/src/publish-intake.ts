import type { ErrorCode } from '@trivium/contracts';
import { encodeHeaders, messageSubject, publisherName } from '@trivium/contracts';
import { PUBACK } from './codec/packet-type.ts';
import type { DoorParts } from './door-parts.ts';
import { HOLD, type Hold } from './hold.ts';
import { IncomingPublishes, type PublishOwner } from './incoming-publishes.ts';
import type { Outbox } from './outbox.ts';
import type { Retryable } from './publish-retries.ts';
import type { CloseReason, SessionClient } from './session.ts';
import { isRoute, type TopicRoute } from './topic-routes.ts';
import type { MessageSpan } from './tracing.ts';

/** The connection that the messages come from. */
export interface IntakeHost {
  readonly client: SessionClient;
  readonly outbox: Outbox;
  hold(reason: Hold): void;
  release(reason: Hold): void;
  close(reason: CloseReason, detail?: string): void;
}

/** PUBLISH packets of one client, on their way to the bus. */
export class PublishIntake implements PublishOwner, Retryable {
  readonly #parts: DoorParts;
  readonly #host: IntakeHost;
  readonly #token: string;
  /** `Tv-Cl` of publishers whose subject does not name them. */
  readonly #author: string | undefined;
  readonly #headers: Uint8Array | undefined;
  /** Since the first message at QoS 1. */
  #waiting: IncomingPublishes | undefined;
  /** The topic of the last message, and its subjects: devices repeat themselves. */
  #route: TopicRoute | undefined;
  #subject0 = '';
  #subject1 = '';
  /** The chunk that the last QoS 1 message lay in: it is kept with it, and counted once. */
  #chunk: Buffer | undefined;

  constructor(parts: DoorParts, host: IntakeHost) {
    this.#parts = parts;
    this.#host = host;
    const name = publisherName(host.client.id, host.client.assigned);
    this.#token = name.token;
    this.#author = name.header;
    this.#headers = name.header === undefined ? undefined : encodeHeaders({ client: name.header });
  }

  /** Messages without their PUBACK. */
  get open(): number {
    return this.#waiting?.open ?? 0;
  }

  /** One PUBLISH: `first` its first byte, [start, end) of `buffer` its body. */
  take(first: number, buffer: Buffer, start: number, end: number): void {
    const { view } = this.#parts;
    if (!view.read(first, buffer, start, end, this.#host.client.level))
      return this.#host.close('protocol.malformed', view.failure);
    if (view.retain) return this.#host.close('retain.unsupported', 'a retained PUBLISH');
    if (view.qos === 2) return this.#host.close('qos.unsupported', 'a PUBLISH at QoS 2');
    const route = this.#route;
    if (route === undefined || !isRoute(route, buffer, view.topicStart, view.topicEnd)) {
      if (!this.#turnTo(this.#parts.routes.find(buffer, view.topicStart, view.topicEnd))) return;
    }
    const payload = buffer.subarray(view.payloadStart, view.payloadEnd);
    if (view.qos === 0) this.#publish0(payload);
    else this.#publish1(view.packetId, payload, buffer);
  }

  onStored(packetId: number): void {
    const { stats, retries } = this.#parts;
    this.#host.outbox.acknowledge(PUBACK << 4, packetId);
    stats.openPublishes--;
    retries.progress();
    this.#releaseWhenRoomy();
  }

  onPostponed(): void {
    this.#parts.retries.postpone(this);
    this.#host.hold(HOLD.intake);
  }

  onRefused(code: ErrorCode): void {
    this.#host.close(code, 'the bus refused a message');
  }

  retry(): void {
    const { bus, stats, retries } = this.#parts;
    if (bus.publisher.pressed) retries.wait(this);
    else this.#host.release(HOLD.pressed);
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.postponed === 0) return;
    if (bus.up) stats.retriedPublishes += waiting.retry();
    else retries.postpone(this);
  }

  /** The connection is gone. */
  close(): void {
    this.#parts.stats.openPublishes -= this.open;
    this.#waiting?.abandon();
    this.#parts.retries.forget(this);
  }

  #turnTo(route: TopicRoute | undefined): boolean {
    if (route === undefined) {
      this.#host.close(this.#parts.routes.refusal, 'the topic of a PUBLISH');
      return false;
    }
    this.#route = route;
    this.#subject0 = messageSubject(0, this.#token, route.tokens);
    this.#subject1 = messageSubject(1, this.#token, route.tokens);
    return true;
  }

  #publish0(payload: Buffer): void {
    const { bus, stats, tracing, retries } = this.#parts;
    const { publisher } = bus;
    stats.publishedQos0++;
    const span = tracing.enabled ? this.#trace(0) : undefined;
    const taken = publisher.live(
      this.#subject0,
      payload,
      span === undefined ? this.#headers : this.#traced(span),
    );
    span?.end(taken ? undefined : 'bus.unavailable');
    if (!taken) stats.droppedIn++;
    if (!publisher.pressed) return;
    this.#host.hold(HOLD.pressed);
    retries.wait(this);
  }

  #publish1(packetId: number, payload: Buffer, chunk: Buffer): void {
    const { bus, config, stats, tracing } = this.#parts;
    const waiting = (this.#waiting ??= new IncomingPublishes(bus.publisher, this));
    stats.publishedQos1++;
    stats.openPublishes++;
    const span = tracing.enabled ? this.#trace(1) : undefined;
    const headers = span === undefined ? this.#headers : this.#traced(span);
    const cost = chunk === this.#chunk ? 0 : chunk.length;
    this.#chunk = chunk;
    waiting.publish(packetId, this.#subject1, payload, headers, cost, span);
    if (waiting.open >= config.maxOpenPublishes || waiting.bytes >= config.maxOpenBytes)
      this.#host.hold(HOLD.intake);
  }

  #releaseWhenRoomy(): void {
    const { config } = this.#parts;
    const { open, bytes, postponed } = this.#waiting!;
    if (open === 0) this.#chunk = undefined;
    if (postponed > 0 || open > config.maxOpenPublishes >> 1 || bytes > config.maxOpenBytes >> 1) return;
    this.#host.release(HOLD.intake);
  }

  #trace(qos: 0 | 1): MessageSpan | undefined {
    return this.#parts.tracing.receive(this.#route!.topic, qos, this.#host.client.id);
  }

  #traced({ traceparent, tracestate }: MessageSpan): Uint8Array | undefined {
    const properties = tracestate === undefined ? { traceparent } : { traceparent, tracestate };
    return encodeHeaders({ client: this.#author, properties });
  }
}
