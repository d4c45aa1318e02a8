import type { QoS } from '@trivium/contracts';
import type { Delivered, Handover } from '@trivium/delivery';
import type { HeldSession } from '@trivium/sessions';
import type { DoorParts } from './door-parts.ts';
import { ExactlyOnceOut } from './exactly-once-out.ts';
import { InHand } from './in-hand.ts';
import type { Outbox } from './outbox.ts';
import { PacketIdWindow } from './packet-id-window.ts';
import type { FrameOptions, PublishFrames } from './publish-frames.ts';
import type { SessionClient } from './session.ts';
import { ownOptions, type Match } from './subscription.ts';
import { aliased, TopicAliases } from './topic-aliases.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/** Beside the log in its turn: as a retained message, or by a shared subscription. */
export interface Way {
  readonly retained?: string | undefined;
  readonly shared?: Handover | undefined;
}

/** PUBLISH packets to one client: with their packet ids, as far as there is room for them. */
export class OutgoingPublishes {
  readonly inHand: InHand;
  readonly window: PacketIdWindow;
  /** Nothing new goes out: what an earlier connection left goes first. */
  waits = false;
  /** Delivery was told that there is no room, and is to hear when there is. */
  full = false;
  readonly #parts: DoorParts;
  readonly #client: SessionClient;
  /** Of the client's version. */
  readonly #frames: PublishFrames;
  readonly #aliases: TopicAliases | undefined;
  readonly #outbox: Outbox;
  readonly #held: HeldSession;
  readonly #onRoom: () => void;
  /** Since the first message at QoS 2, or as an earlier connection left it. */
  #exactlyOnce: ExactlyOnceOut | undefined;

  constructor(
    parts: DoorParts,
    client: SessionClient,
    outbox: Outbox,
    held: HeldSession,
    /** There may be room again. */
    onRoom: () => void,
  ) {
    const { config } = parts;
    this.#parts = parts;
    this.#client = client;
    this.#frames = client.level === 5 ? parts.frames5 : parts.frames;
    const aliases = Math.min(client.topicAliasMaximum, config.topicAliasMaximum);
    this.#aliases = aliases > 0 ? new TopicAliases(aliases) : undefined;
    this.#outbox = outbox;
    this.#held = held;
    this.#onRoom = onRoom;
    this.window = new PacketIdWindow(Math.min(config.maxInflight, client.receiveMaximum));
    this.inHand = new InHand(this.window);
  }

  /** QoS 2 exchanges, for the session's record of them; undefined: there never was one. */
  get exactlyOnce(): ExactlyOnceOut | undefined {
    return this.#exactlyOnce;
  }

  /** The same, begun if need be. */
  get exchanges(): ExactlyOnceOut {
    return (this.#exactlyOnce ??= new ExactlyOnceOut({
      outbox: this.#outbox,
      window: this.window,
      log: this.#held.exactlyOnce,
      limit: this.#parts.config.maxOpenExactlyOnce,
      level: this.#client.level,
      onRoom: this.#onRoom,
    }));
  }

  /** Topics go by number, where that is shorter: no two clients have the same packet then. */
  get aliasing(): boolean {
    return this.#aliases !== undefined;
  }

  /** So much waits to be written that QoS 0 is dropped. */
  get clogged(): boolean {
    return this.#outbox.waiting > this.#parts.config.maxOutputBytes;
  }

  /** Half of the window and of the output are free. */
  get roomy(): boolean {
    return (
      this.window.roomy &&
      this.#exactlyOnce?.full !== true &&
      this.#outbox.waiting <= this.#parts.config.maxOutputBytes >> 1
    );
  }

  /** Whether a message for which there must be room may go. */
  hasRoom(): boolean {
    if (!this.window.full && !this.clogged && !this.waits) return true;
    this.full = true;
    return false;
  }

  /** A live message at QoS 0. `match`: for clients with options that count. */
  live(message: Delivered, match: Match | undefined): void {
    const { stats, tracing } = this.#parts;
    if (match === undefined) this.#frames.qos0(message);
    else this.#frames.single(message, 0, 0, this.frameOptions(message, match));
    if (!this.#append()) return this.#aliases?.undo(message.topic);
    stats.deliveredQos0++;
    if (tracing.enabled) this.#trace(message, 0);
  }

  /** A message of the log in its turn, as any other client may get it too. False: no room. */
  common(message: Delivered, qos: QoS): boolean {
    if (qos === 2) return this.twice(message, {}, {});
    if (!this.hasRoom()) return false;
    const { stats, tracing } = this.#parts;
    if (qos === 0) this.#frames.qos0(message);
    else {
      const packetId = this.window.take(message.pos);
      this.#frames.qos1(message, packetId);
      if (!this.#append()) this.window.acknowledge(packetId);
      else stats.deliveredQos1++;
      if (tracing.enabled) this.#trace(message, 1);
      return true;
    }
    if (this.#append()) stats.deliveredQos0++;
    if (tracing.enabled) this.#trace(message, 0);
    return true;
  }

  /** A message as this client alone gets it. False: no room. */
  single(message: Delivered, qos: QoS, way: Way, options: FrameOptions): boolean {
    if (qos === 2) return this.twice(message, way, options);
    if (!this.hasRoom()) return false;
    const { stats, tracing } = this.#parts;
    const { retained, shared } = way;
    const packetId =
      qos === 0
        ? 0
        : shared === undefined
          ? this.window.take(message.pos, retained)
          : this.inHand.take(shared);
    this.#frames.single(message, qos, packetId, options);
    if (!this.#append()) {
      this.window.acknowledge(packetId);
      this.inHand.acknowledge(packetId);
      if (options.own?.topicAlias !== undefined) this.#aliases?.undo(message.topic);
    } else if (qos === 0) stats.deliveredQos0++;
    else stats.deliveredQos1++;
    if (qos === 0) shared?.done();
    if (tracing.enabled) this.#trace(message, qos);
    return true;
  }

  /** With a topic alias, for packets that leave in the order in which they are made. */
  frameOptions(message: Delivered, match: Match): FrameOptions {
    return aliased(ownOptions(message, match), this.#aliases?.of(message.topic));
  }

  /** At QoS 2: PUBLISH, and later PUBREL. False: no room. */
  twice(message: Delivered, { retained, shared }: Way, own: FrameOptions): boolean {
    const { stats, tracing } = this.#parts;
    const aliases = retained === undefined ? this.#aliases : undefined;
    const exactlyOnce = this.exchanges;
    if (retained === undefined && shared === undefined && exactlyOnce.wasBegun(message.pos)) return true;
    if (exactlyOnce.full) {
      this.full = true;
      return false;
    }
    if (!this.hasRoom()) return false;
    const frames = this.#frames;
    // Where the exchange is stored first its PUBLISH leaves later than others: it may use an alias, but not be the one to tell it.
    const isStored = this.#held.exactlyOnce !== undefined;
    const alias = isStored ? aliases?.known(message.topic) : aliases?.of(message.topic);
    const options = aliased(own, alias);
    frames.single(message, 2, 0, options);
    if (frames.end - frames.start > this.#client.maximumPacketBytes) {
      aliases?.undo(message.topic);
      stats.tooLarge++;
      shared?.done();
      return true;
    }
    exactlyOnce.begin({ pos: message.pos, retained, shared }, (packetId) => {
      frames.single(message, 2, packetId, options);
      return frames;
    });
    stats.deliveredQos2++;
    if (tracing.enabled) this.#trace(message, 2);
    return true;
  }

  /** One that was sent before and is not acknowledged. False: it is larger than the client takes. */
  again(message: Delivered, { packetId, qos, retained }: Unacknowledged, match: Match | undefined): boolean {
    const options = match === undefined ? {} : ownOptions(message, match);
    const retain = retained !== undefined || options.retain === true;
    this.#frames.single(message, qos, packetId, { ...options, dup: true, retain });
    return this.#append();
  }

  /** The frame that was made last goes out, unless it is larger than the client takes [MQTT-3.1.2-24], [MQTT-3.1.2-25] of MQTT 5. */
  #append(): boolean {
    const { buffer, start, end } = this.#frames;
    if (end - start > this.#client.maximumPacketBytes) {
      this.#parts.stats.tooLarge++;
      return false;
    }
    this.#outbox.append(buffer, start, end);
    return true;
  }

  #trace(message: Delivered, qos: QoS): void {
    const { properties, topic } = message;
    if (properties?.traceparent === undefined) return;
    const { id } = this.#client;
    this.#parts.tracing.deliver(properties.traceparent, topic, qos, id, properties.tracestate)?.end();
  }
}
