import { isUtf8 } from 'node:buffer';
import type { ErrorCode, HeaderFields, Properties, QoS } from '@trivium/contracts';
import {
  encodeHeaders,
  messageSubject,
  publisherName,
  repliedCommand,
  toMqttReason,
} from '@trivium/contracts';
import { rulingOn, type Contract, type Letter } from '@trivium/message-contracts';
import { throughOutages, type HeldSession } from '@trivium/sessions';
import { encodeAcknowledgement } from './codec/encode.ts';
import { PUBACK, PUBCOMP, PUBREC } from './codec/packet-type.ts';
import type { DoorParts } from './door-parts.ts';
import { ExactlyOnceIn } from './exactly-once-in.ts';
import { explained } from './explained.ts';
import { HOLD } from './hold.ts';
import { IncomingPublishes, type PublishOwner, type Retainable } from './incoming-publishes.ts';
import type { IntakeHost } from './intake-host.ts';
import { messageProperties } from './message-properties.ts';
import type { Retryable } from './publish-retries.ts';
import { isRoute, type TopicRoute } from './topic-routes.ts';
import { carried, received } from './message-trace.ts';
import type { MessageSpan } from './tracing.ts';

/** MQTT 5: no message has this packet id. */
const NOT_FOUND = 0x92;

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
  /** MQTT 5: topics by their alias, for this connection. */
  #aliases: Map<number, TopicRoute> | undefined;
  /** What the message at hand takes along. */
  #properties: Properties | undefined;
  /** Where it goes instead when it is put aside. */
  #letter: Letter | undefined;
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
    if (held.exactlyOnce !== undefined && held.exactlyOnce.restored.incoming.length > 0) this.#exchanges();
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
    const { view, contracts } = this.#parts;
    if (!view.read(first, buffer, start, end, this.#host.client.level))
      return this.#host.close(view.code, view.failure);
    this.#properties = undefined;
    this.#letter = undefined;
    if (this.#host.client.level === 5) {
      if (!this.#prepare5(buffer)) return;
    } else if (!this.#findTopic(buffer)) return;
    const payload = buffer.subarray(view.payloadStart, view.payloadEnd);
    const route = this.#route!;
    if (route.command) return this.#command(payload);
    if (route.contractsVersion !== contracts.version) contracts.renew(route);
    if (route.contract !== undefined && !this.#judge(route.contract, payload)) return;
    const retain = view.retain && this.#letter === undefined;
    if (retain) this.#parts.stats.publishedRetained++;
    if (view.qos === 2) this.#publish2(view.packetId, payload, retain);
    else if (view.qos === 1) this.#publish1(view.packetId, payload, buffer, retain);
    else if (retain) this.#publish0Retained(payload);
    else this.#publish0(payload);
  }

  #findTopic(buffer: Buffer): boolean {
    const { view, routes } = this.#parts;
    const route = this.#route;
    if (route !== undefined && isRoute(route, buffer, view.topicStart, view.topicEnd)) return true;
    return this.#turnTo(routes.find(buffer, view.topicStart, view.topicEnd));
  }

  /** What MQTT 5 adds: how many may be open, aliases, properties, and refusals that do not end the connection. */
  #prepare5(buffer: Buffer): boolean {
    const { view, config, now } = this.#parts;
    const { properties, qos, packetId } = view;
    if (qos > 0 && !this.#mayBegin(qos, packetId, config.receiveMaximum)) {
      this.#host.close('protocol.receive-maximum', 'more than Receive Maximum'); // section 3.3.4
      return false;
    }
    const alias = properties?.topicAlias;
    if (alias !== undefined && alias > config.topicAliasMaximum) {
      this.#host.close('protocol.topic-alias', 'above Topic Alias Maximum'); // [MQTT-3.2.2-17]
      return false;
    }
    if (view.topicStart < view.topicEnd) {
      if (!this.#findTopic(buffer)) return false;
      if (alias !== undefined) (this.#aliases ??= new Map()).set(alias, this.#route!);
    } else {
      const route = alias === undefined ? undefined : this.#aliases?.get(alias);
      if (route === undefined) {
        this.#host.close('protocol.error', 'neither a topic nor an alias that stands for one'); // section 3.3.2.3.4
        return false;
      }
      if (route !== this.#route) this.#turnTo(route);
    }
    if (properties === undefined) return true;
    this.#properties = messageProperties(properties, now());
    if (properties.payloadFormat !== 1 || isUtf8(buffer.subarray(view.payloadStart, view.payloadEnd)))
      return true;
    this.#refuse('payload.invalid', 'the payload is not UTF-8');
    return false;
  }

  #mayBegin(qos: QoS, packetId: number, receiveMaximum: number): boolean {
    const exactlyOnce = this.#exactlyOnce;
    if ((this.#waiting?.open ?? 0) + (exactlyOnce?.size ?? 0) < receiveMaximum) return true;
    return qos === 2 && exactlyOnce?.has(packetId) === true; // a repetition
  }

  /** Whether the message at hand goes on, if need be tagged or to the dead letters. */
  #judge(contract: Contract, payload: Buffer): boolean {
    const { view, contracts } = this.#parts;
    const { qos, retain, packetId } = view;
    if (qos === 2 && this.#exactlyOnce?.repeats(packetId) === true) return true;
    const properties = this.#properties;
    const violation = contracts.check(contract, { payload, retain, contentType: properties?.contentType });
    if (violation === undefined) return true;
    const { id: client, level } = this.#host.client;
    const message = { topic: this.#route!.topic, qos, retain, client, ...(properties && { properties }) };
    const ruling = rulingOn(violation, message, level < 5 && qos > 0); // [MQTT3-3.3.5-2]
    this.#properties = ruling.properties;
    this.#letter = ruling.letter;
    if (ruling.refused === undefined) return true;
    if (qos > 0) this.#refuse('contract.violated', violation.message, violation.message);
    return false;
  }

  /** The message at hand is not taken: MQTT 5 says why in its acknowledgement, QoS 0 and earlier versions end the connection. */
  #refuse(code: ErrorCode, detail: string, why?: string): void {
    const { view, bus, stats } = this.#parts;
    if (view.qos === 0 || this.#host.client.level < 5) return this.#host.close(code, detail);
    stats.openPublishes++;
    if (view.qos === 1) {
      const waiting = (this.#waiting ??= new IncomingPublishes(bus.publisher, this));
      waiting.refuse(view.packetId, toMqttReason(code, 'puback'), why);
    } else this.#exchanges().refuse(view.packetId, toMqttReason(code, 'pubrec'), why);
  }

  /** What is published below `cmd/`: the client's reply to a command, or nothing that it may. */
  #command(payload: Buffer): void {
    const { view, bus, stats, desk } = this.#parts;
    const { id } = this.#host.client;
    const command = repliedCommand(this.#route!.topic, id);
    if (command === undefined) return this.#refuse('auth.denied', 'topics below cmd/ are for commands');
    const repeated = view.qos === 2 && this.#exactlyOnce?.has(view.packetId) === true;
    if (!repeated) desk.reply(id, command, { payload: Buffer.from(payload), properties: this.#properties });
    if (view.qos === 0) return;
    if (repeated) return this.#host.outbox.acknowledge(PUBREC << 4, view.packetId);
    stats.openPublishes++;
    if (view.qos === 1)
      (this.#waiting ??= new IncomingPublishes(bus.publisher, this)).refuse(view.packetId, 0);
    else this.#exchanges().accept(view.packetId);
  }

  /** PUBREL. */
  released(packetId: number): void {
    if (this.#exactlyOnce === undefined) this.#complete(packetId, false);
    else if (!this.#exactlyOnce.released(packetId))
      this.#host.close('protocol.error', 'PUBREL before PUBREC');
  }

  onStored(packetId: number, refusal: number, why?: string): void {
    this.#acknowledge(PUBACK, packetId, refusal, why);
  }

  onPostponed(): void {
    this.#parts.retries.postpone(this);
    this.#host.hold(HOLD.intake);
  }

  onRefused(code: ErrorCode): number {
    if (this.#host.client.level === 5) return toMqttReason(code, 'puback');
    this.#host.close(code, 'the bus refused a message');
    return 0;
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
      const { refusal } = this.#parts.routes;
      if (refusal === 'protocol.malformed') this.#host.close(refusal, 'the topic of a PUBLISH');
      else this.#refuse(refusal, 'the topic of a PUBLISH');
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
    const letter = this.#letter;
    const isPlain = span === undefined && this.#properties === undefined && letter === undefined;
    const headers = isPlain ? this.#headers : encodeHeaders(this.#fields(span));
    const taken = publisher.live(letter?.subject ?? this.#subject0, payload, headers);
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
    const letter = this.#letter;
    const isPlain = span === undefined && !retain && this.#properties === undefined && letter === undefined;
    const headers = isPlain ? this.#headers : encodeHeaders(this.#fields(span, retain));
    const cost = chunk === this.#chunk ? 0 : chunk.length;
    this.#chunk = chunk;
    const retainable = retain ? this.#retainable(1, Buffer.from(payload)) : undefined;
    waiting.publish(packetId, letter?.subject ?? this.#subject1, payload, headers, cost, span, retainable);
    if (waiting.open >= config.maxOpenPublishes || waiting.bytes >= config.maxOpenBytes)
      this.#host.hold(HOLD.intake);
  }

  #publish2(packetId: number, view: Buffer, retain: boolean): void {
    const { stats, tracing, config } = this.#parts;
    const exactlyOnce = this.#exchanges();
    const payload = Buffer.from(view);
    const span = tracing.enabled ? this.#trace(2) : undefined;
    const retainable = retain ? this.#retainable(2, payload) : undefined;
    const outcome = exactlyOnce.publish(packetId, {
      subject: this.#letter?.subject ?? messageSubject(2, this.#token, this.#route!.tokens),
      payload,
      headers: this.#fields(span, retain),
      elsewhere: this.#letter !== undefined,
      retain: retainable && ((pos) => this.retain(retainable, pos)),
    });
    span?.end();
    if (outcome === 'stored') this.#host.outbox.acknowledge(PUBREC << 4, packetId);
    if (outcome !== 'taken') return;
    stats.publishedQos2++;
    stats.openPublishes++;
    if (exactlyOnce.open >= config.maxOpenExactlyOnce) this.#host.hold(HOLD.intake);
  }

  #exchanges(): ExactlyOnceIn {
    const { bus, now } = this.#parts;
    return (this.#exactlyOnce ??= new ExactlyOnceIn({
      bus,
      now,
      connection: this.#host.id,
      log: this.#held.exactlyOnce,
      after: this.#held.restored.pos,
      onStored: (packetId, refusal, why) => this.#acknowledge(PUBREC, packetId, refusal, why),
      onPostponed: () => this.onPostponed(),
      onRefused: (code) => this.onRefused(code),
      onReleased: (packetId, known) => this.#complete(packetId, known),
    }));
  }

  /** PUBCOMP; MQTT 5 says when there was nothing to complete. */
  #complete(packetId: number, known: boolean): void {
    const { outbox, client } = this.#host;
    if (known || client.level < 5) outbox.acknowledge(PUBCOMP << 4, packetId);
    else outbox.send(encodeAcknowledgement(5, PUBCOMP, packetId, NOT_FOUND));
  }

  #acknowledge(
    packetType: typeof PUBACK | typeof PUBREC,
    packetId: number,
    refusal: number,
    why?: string,
  ): void {
    const { stats, retries } = this.#parts;
    const { outbox, client } = this.#host;
    if (refusal === 0) outbox.acknowledge(packetType << 4, packetId);
    else
      outbox.send(
        explained(client, refusal, why, (text) =>
          encodeAcknowledgement(5, packetType, packetId, refusal, text),
        ),
      );
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
    const { tokens } = this.#route!;
    return { tokens, payload, qos, client: this.#host.client.id, properties: this.#properties };
  }

  #fields(span: MessageSpan | undefined, retain = false): Omit<HeaderFields, 'msgId'> {
    const properties = carried(this.#properties, span);
    return { client: this.#author, retain, properties, ...this.#letter?.fields };
  }

  #trace(qos: QoS): MessageSpan | undefined {
    return received(this.#parts.tracing, this.#route!.topic, qos, this.#host.client.id, this.#properties);
  }
}
