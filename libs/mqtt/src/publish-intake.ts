import type { ErrorCode, HeaderFields, QoS } from '@trivium/contracts';
import { encodeHeaders, messageSubject, publisherName } from '@trivium/contracts';
import { throughOutages, type HeldSession } from '@trivium/sessions';
import { PUBACK, PUBCOMP, PUBREC } from './codec/packet-type.ts';
import type { DoorParts } from './door-parts.ts';
import { ExactlyOnceIn } from './exactly-once-in.ts';
import { HOLD, type Hold } from './hold.ts';
import { IncomingPublishes, type PublishOwner, type Retainable } from './incoming-publishes.ts';
import type { Outbox } from './outbox.ts';
import type { Retryable } from './publish-retries.ts';
import type { CloseReason, SessionClient } from './session.ts';
import { isRoute, type TopicRoute } from './topic-routes.ts';
import type { MessageSpan } from './tracing.ts';

/** The connection that the messages come from. */
export interface IntakeHost {
  /** Of the connection. */
  readonly id: string;
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
  readonly #held: HeldSession;
  readonly #token: string;
  /** `Tv-Cl` of publishers whose subject does not name them. */
  readonly #author: string | undefined;
  readonly #headers: Uint8Array | undefined;
  /** Since the first message at QoS 1. */
  #waiting: IncomingPublishes | undefined;
  /** Since the first message at QoS 2, or as an earlier connection left it. */
  #exactlyOnce: ExactlyOnceIn | undefined;
  /** QoS 0 messages to be retained that are not stored. */
  #retaining = 0;
  /** The topic of the last message, and its subjects: devices repeat themselves. */
  #route: TopicRoute | undefined;
  #subject0 = '';
  #subject1 = '';
  /** The chunk that the last QoS 1 message lay in: it is kept with it, and counted once. */
  #chunk: Buffer | undefined;

  constructor(parts: DoorParts, host: IntakeHost, held: HeldSession) {
    this.#parts = parts;
    this.#host = host;
    this.#held = held;
    const name = publisherName(host.client.id, host.client.assigned);
    this.#token = name.token;
    this.#author = name.header;
    this.#headers = name.header === undefined ? undefined : encodeHeaders({ client: name.header });
    if (held.exactlyOnce !== undefined && held.exactlyOnce.restored.incoming.length > 0)
      this.#startExactlyOnce();
  }

  /** Messages without their PUBACK or PUBREC, or that are to be retained and are not yet. */
  get open(): number {
    return (this.#waiting?.open ?? 0) + (this.#exactlyOnce?.open ?? 0) + this.#retaining;
  }

  /** QoS 2 exchanges, for the session's record of them. */
  get exactlyOnce(): ExactlyOnceIn | undefined {
    return this.#exactlyOnce;
  }

  /** One PUBLISH: `first` its first byte, [start, end) of `buffer` its body. */
  take(first: number, buffer: Buffer, start: number, end: number): void {
    const { view } = this.#parts;
    if (!view.read(first, buffer, start, end, this.#host.client.level))
      return this.#host.close('protocol.malformed', view.failure);
    const route = this.#route;
    if (route === undefined || !isRoute(route, buffer, view.topicStart, view.topicEnd)) {
      if (!this.#turnTo(this.#parts.routes.find(buffer, view.topicStart, view.topicEnd))) return;
    }
    const payload = buffer.subarray(view.payloadStart, view.payloadEnd);
    if (view.retain) this.#parts.stats.publishedRetained++;
    if (view.qos === 2) this.#publish2(view.packetId, payload, view.retain);
    else if (view.qos === 1) this.#publish1(view.packetId, payload, buffer, view.retain);
    else if (view.retain) this.#publish0Retained(payload);
    else this.#publish0(payload);
  }

  /** PUBREL. */
  released(packetId: number): void {
    const { outbox } = this.#host;
    if (this.#exactlyOnce === undefined) outbox.acknowledge(PUBCOMP << 4, packetId);
    else if (!this.#exactlyOnce.released(packetId))
      this.#host.close('protocol.error', 'PUBREL before PUBREC');
  }

  onStored(packetId: number): void {
    this.#acknowledge(PUBACK, packetId);
  }

  onPostponed(): void {
    this.#parts.retries.postpone(this);
    this.#host.hold(HOLD.intake);
  }

  onRefused(code: ErrorCode): void {
    this.#host.close(code, 'the bus refused a message');
  }

  retain(message: Retainable, pos: number): Promise<void> {
    const { bus } = this.#parts;
    return throughOutages(bus, () => bus.retain({ ...message, pos }));
  }

  retry(): void {
    const { bus, stats, retries } = this.#parts;
    if (bus.publisher.pressed) retries.wait(this);
    else this.#host.release(HOLD.pressed);
    const waiting = this.#waiting;
    const exactlyOnce = this.#exactlyOnce;
    const postponed = (waiting?.postponed ?? 0) > 0 || exactlyOnce?.postponed === true;
    if (!postponed) return;
    if (bus.up) stats.retriedPublishes += (waiting?.retry() ?? 0) + (exactlyOnce?.retry() ?? 0);
    else retries.postpone(this);
  }

  /** The connection is gone. */
  close(): void {
    this.#parts.stats.openPublishes -= this.open;
    this.#retaining = 0;
    this.#waiting?.abandon();
    this.#exactlyOnce?.close();
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
    const headers = span === undefined ? this.#headers : encodeHeaders(this.#fields(span));
    const taken = publisher.live(this.#subject0, payload, headers);
    span?.end(taken ? undefined : 'bus.unavailable');
    if (!taken) stats.droppedIn++;
    if (!publisher.pressed) return;
    this.#host.hold(HOLD.pressed);
    retries.wait(this);
  }

  /** It goes by the log, so that its place among the messages of its topic is known (rule 5). */
  #publish0Retained(payload: Buffer): void {
    const { bus, stats, tracing, config } = this.#parts;
    stats.publishedQos0++;
    stats.openPublishes++;
    const span = tracing.enabled ? this.#trace(0) : undefined;
    const message = this.#retainable(0, Buffer.from(payload));
    const headers = encodeHeaders({ ...this.#fields(span, true), qosBelowSubject: 0 });
    const done = (code?: ErrorCode): void => {
      span?.end(code);
      if (code !== undefined) stats.droppedIn++;
      if (this.#retaining === 0) return; // the connection is gone
      this.#retaining--;
      stats.openPublishes--;
      this.#releaseWhenRoomy();
    };
    this.#retaining++;
    bus.publisher
      .store(this.#subject1, message.payload, headers)
      .then(({ pos }) => this.retain(message, pos))
      .then(
        () => done(),
        () => done('bus.unavailable'),
      );
    if (this.open >= config.maxOpenPublishes) this.#host.hold(HOLD.intake);
  }

  #publish1(packetId: number, payload: Buffer, chunk: Buffer, retain: boolean): void {
    const { bus, config, stats, tracing } = this.#parts;
    const waiting = (this.#waiting ??= new IncomingPublishes(bus.publisher, this));
    stats.publishedQos1++;
    stats.openPublishes++;
    const span = tracing.enabled ? this.#trace(1) : undefined;
    const headers = span === undefined && !retain ? this.#headers : encodeHeaders(this.#fields(span, retain));
    const cost = chunk === this.#chunk ? 0 : chunk.length;
    this.#chunk = chunk;
    const retainable = retain ? this.#retainable(1, Buffer.from(payload)) : undefined;
    waiting.publish(packetId, this.#subject1, payload, headers, cost, span, retainable);
    if (waiting.open >= config.maxOpenPublishes || waiting.bytes >= config.maxOpenBytes)
      this.#host.hold(HOLD.intake);
  }

  #publish2(packetId: number, view: Buffer, retain: boolean): void {
    const { stats, tracing, config } = this.#parts;
    const exactlyOnce = this.#exactlyOnce ?? this.#startExactlyOnce();
    const payload = Buffer.from(view);
    const span = tracing.enabled ? this.#trace(2) : undefined;
    const retainable = retain ? this.#retainable(2, payload) : undefined;
    const outcome = exactlyOnce.publish(packetId, {
      subject: messageSubject(2, this.#token, this.#route!.tokens),
      payload,
      headers: this.#fields(span, retain),
      retain: retainable && ((pos) => this.retain(retainable, pos)),
    });
    span?.end();
    if (outcome === 'stored') this.#host.outbox.acknowledge(PUBREC << 4, packetId);
    if (outcome !== 'taken') return;
    stats.publishedQos2++;
    stats.openPublishes++;
    if (exactlyOnce.open >= config.maxOpenExactlyOnce) this.#host.hold(HOLD.intake);
  }

  #startExactlyOnce(): ExactlyOnceIn {
    const { bus, now } = this.#parts;
    return (this.#exactlyOnce = new ExactlyOnceIn({
      bus,
      now,
      connection: this.#host.id,
      log: this.#held.exactlyOnce,
      after: this.#held.restored.pos,
      onStored: (packetId) => this.#acknowledge(PUBREC, packetId),
      onPostponed: () => this.onPostponed(),
      onRefused: (code) => this.onRefused(code),
      onReleased: (packetId) => this.#host.outbox.acknowledge(PUBCOMP << 4, packetId),
    }));
  }

  #acknowledge(packetType: typeof PUBACK | typeof PUBREC, packetId: number): void {
    const { stats, retries } = this.#parts;
    this.#host.outbox.acknowledge(packetType << 4, packetId);
    stats.openPublishes--;
    retries.progress();
    this.#releaseWhenRoomy();
  }

  #releaseWhenRoomy(): void {
    const { config } = this.#parts;
    const waiting = this.#waiting;
    if (waiting?.open === 0) this.#chunk = undefined;
    if ((waiting?.postponed ?? 0) > 0 || this.#exactlyOnce?.postponed === true) return;
    if (this.open > config.maxOpenPublishes >> 1 || (waiting?.bytes ?? 0) > config.maxOpenBytes >> 1) return;
    if (this.#exactlyOnce !== undefined && this.#exactlyOnce.open > config.maxOpenExactlyOnce >> 1) return;
    this.#host.release(HOLD.intake);
  }

  #retainable(qos: QoS, payload: Buffer): Retainable {
    return { tokens: this.#route!.tokens, payload, qos, client: this.#host.client.id };
  }

  #fields(span: MessageSpan | undefined, retain = false): Omit<HeaderFields, 'msgId'> {
    const fields = { client: this.#author, retain };
    if (span === undefined) return fields;
    const { traceparent, tracestate } = span;
    return {
      ...fields,
      properties: tracestate === undefined ? { traceparent } : { traceparent, tracestate },
    };
  }

  #trace(qos: QoS): MessageSpan | undefined {
    return this.#parts.tracing.receive(this.#route!.topic, qos, this.#host.client.id);
  }
}
