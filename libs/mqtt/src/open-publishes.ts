import type { ErrorCode } from '@trivium/contracts';
import { toMqttReason } from '@trivium/contracts';
import { throughOutages, type HeldSession } from '@trivium/sessions';
import { encodeAcknowledgement } from './codec/encode.ts';
import { PUBACK, PUBCOMP, PUBREC } from './codec/packet-type.ts';
import type { DoorParts } from './door-parts.ts';
import { ExactlyOnceIn } from './exactly-once-in.ts';
import { explained } from './explained.ts';
import { HOLD } from './hold.ts';
import { IncomingPublishes, type PublishOwner, type Retainable } from './incoming-publishes.ts';
import type { IntakeHost } from './intake-host.ts';
import type { Retryable } from './publish-retries.ts';

/** MQTT 5: no message has this packet id. */
const NOT_FOUND = 0x92;

/** The messages of one client that are not answered, or not completed; how they are answered, and when there are too many to read on. */
export class OpenPublishes implements PublishOwner, Retryable {
  readonly #parts: DoorParts;
  readonly #host: IntakeHost;
  readonly #held: HeldSession;
  /** Since the first message at QoS 1. */
  #once: IncomingPublishes | undefined;
  /** Since the first message at QoS 2, or as an earlier connection left it. */
  #exactlyOnce: ExactlyOnceIn | undefined;
  /** QoS 0 messages to be retained that are not stored. */
  #retaining = 0;
  /** The chunk that the last QoS 1 message lay in: it is kept with it, and counted once. */
  #chunk: Buffer | undefined;

  constructor(parts: DoorParts, host: IntakeHost, held: HeldSession) {
    this.#parts = parts;
    this.#host = host;
    this.#held = held;
    if (held.exactlyOnce !== undefined && held.exactlyOnce.restored.incoming.length > 0)
      this.#exactlyOnce = this.twice;
  }

  /** Messages without their PUBACK or PUBREC, or that are to be retained and are not yet. */
  get count(): number {
    return (this.#once?.open ?? 0) + (this.#exactlyOnce?.open ?? 0) + this.#retaining;
  }

  /** QoS 2 exchanges, for the session's record of them; undefined: there never was one. */
  get exactlyOnce(): ExactlyOnceIn | undefined {
    return this.#exactlyOnce;
  }

  /** Whether a message at QoS 2 is a repetition of one that this connection has taken. */
  repeats(packetId: number): boolean {
    return this.#exactlyOnce?.repeats(packetId) === true;
  }

  /** Whether MQTT 5 allows one more without an acknowledgement. */
  mayBegin(qos: 1 | 2, packetId: number, receiveMaximum: number): boolean {
    const exactlyOnce = this.#exactlyOnce;
    if ((this.#once?.open ?? 0) + (exactlyOnce?.size ?? 0) < receiveMaximum) return true;
    return qos === 2 && exactlyOnce?.has(packetId) === true; // a repetition
  }

  /** Those at QoS 1. */
  get once(): IncomingPublishes {
    return (this.#once ??= new IncomingPublishes(this.#parts.bus.publisher, this));
  }

  /** Those at QoS 2. */
  get twice(): ExactlyOnceIn {
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

  /** What it costs to keep a QoS 1 message that lies in `chunk`. */
  costOf(chunk: Buffer): number {
    const cost = chunk === this.#chunk ? 0 : chunk.length;
    this.#chunk = chunk;
    return cost;
  }

  /** After each that was taken: is the client read on? */
  holdWhenFull(): void {
    const { maxOpenPublishes, maxOpenBytes, maxOpenExactlyOnce } = this.#parts.config;
    const isFull =
      this.count >= maxOpenPublishes ||
      (this.#once?.bytes ?? 0) >= maxOpenBytes ||
      (this.#exactlyOnce?.open ?? 0) >= maxOpenExactlyOnce;
    if (isFull) this.#host.hold(HOLD.intake);
  }

  /** The message at hand is not taken: MQTT 5 says why in its acknowledgement, QoS 0 and earlier versions end the connection. */
  refuse(code: ErrorCode, detail: string, why?: string): void {
    const { view, stats } = this.#parts;
    if (view.qos === 0 || this.#host.client.level < 5) return this.#host.close(code, detail);
    stats.openPublishes++;
    if (view.qos === 1) this.once.refuse(view.packetId, toMqttReason(code, 'puback'), why);
    else this.twice.refuse(view.packetId, toMqttReason(code, 'pubrec'), why);
    this.holdWhenFull();
  }

  /** The message at hand is answered in its turn as if it were stored, and goes nowhere. */
  acceptUnsent(): void {
    const { view, stats } = this.#parts;
    stats.openPublishes++;
    if (view.qos === 1) this.once.refuse(view.packetId, 0);
    else this.twice.accept(view.packetId);
    this.holdWhenFull();
  }

  /** PUBREC for a QoS 2 message that is stored and comes again. */
  answerAgain(packetId: number): void {
    this.#host.outbox.acknowledge(PUBREC << 4, packetId);
  }

  /** PUBREL. */
  released(packetId: number): void {
    if (this.#exactlyOnce === undefined) this.#complete(packetId, false);
    else if (!this.#exactlyOnce.released(packetId))
      this.#host.close('protocol.error', 'PUBREL before PUBREC');
  }

  /** A QoS 0 message that is to be retained, until `done`. */
  retaining(): { done(): void } {
    this.#retaining++;
    this.#parts.stats.openPublishes++;
    return {
      done: () => {
        if (this.#retaining === 0) return; // the connection is gone
        this.#retaining--;
        this.#parts.stats.openPublishes--;
        this.#releaseWhenRoomy();
      },
    };
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

  /** The bus takes bytes more slowly than they come. */
  holdWhilePressed(): void {
    this.#host.hold(HOLD.pressed);
    this.#parts.retries.wait(this);
  }

  retry(): void {
    const { bus, stats, retries } = this.#parts;
    if (bus.publisher.pressed) retries.wait(this);
    else this.#host.release(HOLD.pressed);
    const once = this.#once;
    const exactlyOnce = this.#exactlyOnce;
    const postponed = (once?.postponed ?? 0) > 0 || exactlyOnce?.postponed === true;
    if (!postponed) return;
    if (bus.up) stats.retriedPublishes += (once?.retry() ?? 0) + (exactlyOnce?.retry() ?? 0);
    else retries.postpone(this);
  }

  /** The connection is gone. */
  close(): void {
    this.#parts.stats.openPublishes -= this.count;
    this.#retaining = 0;
    this.#once?.abandon();
    this.#exactlyOnce?.close();
    this.#parts.retries.forget(this);
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
    const once = this.#once;
    if (once?.open === 0) this.#chunk = undefined;
    if ((once?.postponed ?? 0) > 0 || this.#exactlyOnce?.postponed === true) return;
    if (this.count > config.maxOpenPublishes >> 1 || (once?.bytes ?? 0) > config.maxOpenBytes >> 1) return;
    if (this.#exactlyOnce !== undefined && this.#exactlyOnce.open > config.maxOpenExactlyOnce >> 1) return;
    this.#host.release(HOLD.intake);
  }
}
