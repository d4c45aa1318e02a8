import { isUtf8 } from 'node:buffer';
import type { ErrorCode, HeaderFields, Properties, QoS } from '@trivium/contracts';
import { encodeHeaders, publisherName, repliedCommand } from '@trivium/contracts';
import type { Access } from '@trivium/identity';
import { rulingOn, type Contract, type Letter } from '@trivium/message-contracts';
import type { HeldSession } from '@trivium/sessions';
import type { DoorParts } from './door-parts.ts';
import type { ExactlyOnceIn } from './exactly-once-in.ts';
import type { Retainable } from './incoming-publishes.ts';
import { IncomingTopic } from './incoming-topic.ts';
import type { IntakeHost } from './intake-host.ts';
import { messageProperties } from './message-properties.ts';
import { carried, received } from './message-trace.ts';
import { OpenPublishes } from './open-publishes.ts';
import { PublishRulings } from './publish-rulings.ts';
import type { MessageSpan } from './tracing.ts';

/** PUBLISH packets of one client: read, judged, and sent on their way to the bus. */
export class PublishIntake {
  readonly #parts: DoorParts;
  readonly #host: IntakeHost;
  readonly #open: OpenPublishes;
  readonly #topic: IncomingTopic;
  /** Since its client was restricted. */
  #rulings: PublishRulings | undefined;
  /** `Tv-Cl` of publishers whose subject does not name them. */
  readonly #author: string | undefined;
  readonly #headers: Uint8Array | undefined;
  /** What the message at hand takes along. */
  #properties: Properties | undefined;
  /** Where it goes instead when it is put aside. */
  #letter: Letter | undefined;

  constructor(parts: DoorParts, host: IntakeHost, held: HeldSession) {
    this.#parts = parts;
    this.#host = host;
    this.#open = new OpenPublishes(parts, host, held);
    const name = publisherName(host.client.id, host.client.assigned);
    this.#topic = new IncomingTopic(parts.routes, name.token);
    this.#author = name.header;
    this.#headers = name.header === undefined ? undefined : encodeHeaders({ client: name.header });
  }

  /** Messages without their PUBACK or PUBREC, or that are to be retained and are not yet. */
  get open(): number {
    return this.#open.count;
  }

  /** QoS 2 exchanges, for the session's record of them. */
  get exactlyOnce(): ExactlyOnceIn | undefined {
    return this.#open.exactlyOnce;
  }

  /** PUBREL. */
  released(packetId: number): void {
    this.#open.released(packetId);
  }

  /** The connection is gone. */
  close(): void {
    this.#open.close();
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
    const { route } = this.#topic;
    if (route.command) return this.#command(payload);
    const { access } = this.#host;
    if (!access.unrestricted && !this.#isAllowed(access)) return this.#deny();
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
    if (this.#topic.find(buffer, view.topicStart, view.topicEnd)) return true;
    const { refusal } = routes;
    if (refusal === 'protocol.malformed') this.#host.close(refusal, 'the topic of a PUBLISH');
    else this.#open.refuse(refusal, 'the topic of a PUBLISH');
    return false;
  }

  /** What MQTT 5 adds: how many may be open, aliases, properties, and refusals that do not end the connection. */
  #prepare5(buffer: Buffer): boolean {
    const { view, config, now } = this.#parts;
    const { properties, qos, packetId } = view;
    if (qos !== 0 && !this.#open.mayBegin(qos, packetId, config.receiveMaximum)) {
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
      if (alias !== undefined) this.#topic.name(alias);
    } else if (alias === undefined || !this.#topic.findAlias(alias)) {
      this.#host.close('protocol.error', 'neither a topic nor an alias that stands for one'); // section 3.3.2.3.4
      return false;
    }
    if (properties === undefined) return true;
    this.#properties = messageProperties(properties, now());
    if (properties.payloadFormat !== 1 || isUtf8(buffer.subarray(view.payloadStart, view.payloadEnd)))
      return true;
    this.#open.refuse('payload.invalid', 'the payload is not UTF-8');
    return false;
  }

  /** Whether the client may publish the message at hand. What it may not any more, but was taken before, is not another message. */
  #isAllowed(access: Access): boolean {
    const { qos, packetId, retain } = this.#parts.view;
    if ((this.#rulings ??= new PublishRulings()).allows(access, this.#topic.route, retain)) return true;
    return qos === 2 && this.#open.repeats(packetId);
  }

  /** The client may not publish this: MQTT 5 says so; before, it is acknowledged and goes nowhere [MQTT3-3.3.5-2]. */
  #deny(): void {
    const { view, stats } = this.#parts;
    stats.deniedIn++;
    if (view.qos === 0) return;
    if (this.#host.client.level === 5) this.#open.refuse('auth.denied', 'not allowed to publish this');
    else this.#open.acceptUnsent();
  }

  /** Whether the message at hand goes on, if need be tagged or to the dead letters. */
  #judge(contract: Contract, payload: Buffer): boolean {
    const { view, contracts } = this.#parts;
    const { qos, retain, packetId } = view;
    if (qos === 2 && this.#open.repeats(packetId)) return true;
    const properties = this.#properties;
    const violation = contracts.check(contract, { payload, retain, contentType: properties?.contentType });
    if (violation === undefined) return true;
    const { id: client, level } = this.#host.client;
    const message = {
      topic: this.#topic.route.topic,
      qos,
      retain,
      client,
      ...(properties && { properties }),
    };
    const ruling = rulingOn(violation, message, level < 5 && qos > 0); // [MQTT3-3.3.5-2]
    this.#properties = ruling.properties;
    this.#letter = ruling.letter;
    if (ruling.refused === undefined) return true;
    if (qos > 0) this.#open.refuse('contract.violated', violation.message, violation.message);
    return false;
  }

  /** What is published below `cmd/`: the client's reply to a command, or nothing that it may, which is answered like what policies deny. */
  #command(payload: Buffer): void {
    const { view, desk } = this.#parts;
    const { id } = this.#host.client;
    const command = repliedCommand(this.#topic.route.topic, id);
    if (command === undefined) {
      const isTaken = view.qos === 2 && this.#open.repeats(view.packetId);
      return isTaken ? this.#publish2(view.packetId, payload, false) : this.#deny();
    }
    const repeated = view.qos === 2 && this.#open.exactlyOnce?.has(view.packetId) === true;
    if (!repeated) desk.reply(id, command, { payload: Buffer.from(payload), properties: this.#properties });
    if (repeated) this.#open.answerAgain(view.packetId);
    else if (view.qos > 0) this.#open.acceptUnsent();
  }

  #publish0(payload: Buffer): void {
    const { bus, stats, tracing } = this.#parts;
    const { publisher } = bus;
    stats.publishedQos0++;
    const span = tracing.enabled ? this.#trace(0) : undefined;
    const letter = this.#letter;
    const isPlain = span === undefined && this.#properties === undefined && letter === undefined;
    const headers = isPlain ? this.#headers : encodeHeaders(this.#fields(span));
    const taken = publisher.live(letter?.subject ?? this.#topic.subject0, payload, headers);
    span?.end(taken ? undefined : 'bus.unavailable');
    if (!taken) stats.droppedIn++;
    if (publisher.pressed) this.#open.holdWhilePressed();
  }

  /** It goes by the log, so that its place among the messages of its topic is known (rule 5). */
  #publish0Retained(payload: Buffer): void {
    const { bus, stats, tracing } = this.#parts;
    stats.publishedQos0++;
    const span = tracing.enabled ? this.#trace(0) : undefined;
    const message = this.#retainable(0, Buffer.from(payload));
    const headers = encodeHeaders({ ...this.#fields(span, true), qosBelowSubject: 0 });
    const place = this.#open.retaining();
    const done = (code?: ErrorCode): void => {
      span?.end(code);
      if (code !== undefined) stats.droppedIn++;
      place.done();
    };
    bus.publisher
      .store(this.#topic.subject1, message.payload, headers)
      .then(({ pos }) => this.#open.retain(message, pos))
      .then(
        () => done(),
        () => done('bus.unavailable'),
      );
    this.#open.holdWhenFull();
  }

  #publish1(packetId: number, payload: Buffer, chunk: Buffer, retain: boolean): void {
    const { stats, tracing } = this.#parts;
    const open = this.#open;
    stats.publishedQos1++;
    stats.openPublishes++;
    const span = tracing.enabled ? this.#trace(1) : undefined;
    const letter = this.#letter;
    const isPlain = span === undefined && !retain && this.#properties === undefined && letter === undefined;
    const headers = isPlain ? this.#headers : encodeHeaders(this.#fields(span, retain));
    const cost = open.costOf(chunk);
    const retainable = retain ? this.#retainable(1, Buffer.from(payload)) : undefined;
    const subject = letter?.subject ?? this.#topic.subject1;
    open.once.publish(packetId, subject, payload, headers, cost, span, retainable);
    open.holdWhenFull();
  }

  #publish2(packetId: number, view: Buffer, retain: boolean): void {
    const { stats, tracing } = this.#parts;
    const payload = Buffer.from(view);
    const span = tracing.enabled ? this.#trace(2) : undefined;
    const retainable = retain ? this.#retainable(2, payload) : undefined;
    const outcome = this.#open.twice.publish(packetId, {
      subject: this.#letter?.subject ?? this.#topic.subject2,
      payload,
      headers: this.#fields(span, retain),
      elsewhere: this.#letter !== undefined,
      retain: retainable && ((pos) => this.#open.retain(retainable, pos)),
    });
    span?.end();
    if (outcome === 'stored') this.#open.answerAgain(packetId);
    if (outcome !== 'taken') return;
    stats.publishedQos2++;
    stats.openPublishes++;
    this.#open.holdWhenFull();
  }

  #retainable(qos: QoS, payload: Buffer): Retainable {
    const { tokens } = this.#topic.route;
    return { tokens, payload, qos, client: this.#host.client.id, properties: this.#properties };
  }

  #fields(span: MessageSpan | undefined, retain = false): Omit<HeaderFields, 'msgId'> {
    const properties = carried(this.#properties, span);
    return { client: this.#author, retain, properties, ...this.#letter?.fields };
  }

  #trace(qos: QoS): MessageSpan | undefined {
    return received(
      this.#parts.tracing,
      this.#topic.route.topic,
      qos,
      this.#host.client.id,
      this.#properties,
    );
  }
}
