import type { OutgoingExactlyOnce } from '@trivium/contracts';
import type { Handover } from '@trivium/delivery';
import type { ExactlyOnceLog } from '@trivium/sessions';
import { acknowledgementFirstByte, encodeAcknowledgement } from './codec/encode.ts';
import { PUBREL, type ProtocolLevel } from './codec/packet-type.ts';
import type { Outbox } from './outbox.ts';
import type { PacketIdWindow } from './packet-id-window.ts';

/** MQTT 5: no message has this packet id. */
const NOT_FOUND = 0x92;
const PUBREL_FIRST = acknowledgementFirstByte(PUBREL);

/** A QoS 2 message to the client, from its entry until PUBCOMP. */
interface Exchange {
  readonly packetId: number;
  /** In the log. */
  readonly pos: number;
  /** Subject tokens of its topic when it was sent as a retained message. */
  readonly retained: string | undefined;
  /** It came in its turn by the log, which the session's cursor then counts on. */
  readonly inTurn: boolean;
  /** `entering` and `releasing` wait until the state before the next packet is stored. */
  state: 'entering' | 'sent' | 'releasing' | 'released';
}

/** A message on its way out. */
export interface OutgoingMessage {
  /** In the log. */
  readonly pos: number;
  /** Subject tokens of its topic when it is sent as a retained message. */
  readonly retained?: string | undefined;
  /** It comes by a shared subscription. */
  readonly shared?: Handover | undefined;
}

/** The packet that `PublishFrames` has just written. */
interface Frame {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface ExactlyOnceOutOptions {
  outbox: Outbox;
  window: PacketIdWindow;
  /** Where exchanges of a persistent session are stored; a clean session keeps them in memory alone. */
  log: ExactlyOnceLog | undefined;
  /** Exchanges that may be open at once. */
  limit: number;
  level: ProtocolLevel;
  /** An exchange is completed. */
  onRoom(): void;
}

/**
 * QoS 2 to one client (section 4.3.3): packet id and log position are stored before PUBLISH, "released" before PUBREL, and an id is used
 * again when its removal is stored (rule 4).
 */
export class ExactlyOnceOut {
  readonly #options: ExactlyOnceOutOptions;
  readonly #exchanges = new Map<number, Exchange>();
  /** Every QoS 2 message of the log up to here was begun by an earlier connection. */
  readonly #begunBefore: number;
  #begun: number;
  #entering = 0;

  constructor(options: ExactlyOnceOutOptions) {
    this.#options = options;
    const restored = options.log?.restored;
    this.#begun = this.#begunBefore = restored?.begun ?? 0;
    for (const { packetId, pos, released, retained } of restored?.outgoing ?? [])
      this.#exchanges.set(packetId, {
        ...{ packetId, pos, retained, inTurn: retained === undefined },
        state: released ? 'released' : 'sent',
      });
  }

  get full(): boolean {
    return this.#exchanges.size >= this.#options.limit;
  }

  /** Whether an earlier connection has begun the message at this log position: it is sent again from its exchange, or was completed. */
  wasBegun(pos: number): boolean {
    return pos <= this.#begunBefore;
  }

  /** Sends a message once its exchange is stored. `frame` makes its PUBLISH. Not when `full`. */
  begin({ pos, retained, shared }: OutgoingMessage, frame: (packetId: number) => Frame): void {
    const packetId = this.#options.window.reserve();
    const inTurn = retained === undefined && shared === undefined;
    const exchange: Exchange = { packetId, pos, retained, inTurn, state: 'entering' };
    this.#exchanges.set(packetId, exchange);
    if (inTurn) this.#begun = Math.max(this.#begun, pos);
    // The arena never writes to the same place twice, so this may wait.
    const { buffer, start, end } = frame(packetId);
    this.#entering++;
    this.#commit(() => {
      this.#entering--;
      exchange.state = 'sent';
      // From here on it is this session's to complete, and nobody else gets it [MQTT-4.8.2-4], [MQTT-4.8.2-5].
      shared?.done();
      this.#options.outbox.append(buffer, start, end);
    });
  }

  /** PUBREC [MQTT3-4.3.3-1]. */
  received(packetId: number): void {
    const exchange = this.#exchanges.get(packetId);
    // Nothing is known of the id: PUBREL lets the client forget it.
    if (exchange === undefined) return this.#releaseUnknown(packetId);
    if (exchange.state === 'released') return this.#release(packetId);
    if (exchange.state !== 'sent') return;
    exchange.state = 'releasing';
    this.#commit(() => {
      exchange.state = 'released';
      this.#release(packetId);
    });
  }

  /** PUBCOMP. */
  completed(packetId: number): void {
    if (this.#exchanges.get(packetId)?.state !== 'released') return;
    this.#exchanges.delete(packetId);
    this.#commit(() => {
      this.#options.window.release(packetId);
      this.#options.onRoom();
    });
  }

  /** The exchange is over without PUBREL: the client has refused the message, or the message is gone from the log. */
  abandon(packetId: number): void {
    if (!this.#exchanges.delete(packetId)) return;
    this.#commit(() => {
      this.#options.window.release(packetId);
      this.#options.onRoom();
    });
  }

  /** The acknowledgement that is due from the client; undefined: nothing is known of the id. */
  awaits(packetId: number): 'pubrec' | 'pubcomp' | undefined {
    const state = this.#exchanges.get(packetId)?.state;
    if (state === undefined) return undefined;
    return state === 'entering' || state === 'sent' ? 'pubrec' : 'pubcomp';
  }

  /** Whether its PUBLISH may be sent again. */
  isSent(packetId: number): boolean {
    return this.#exchanges.get(packetId)?.state === 'sent';
  }

  /** PUBREL again for what was released, in order [MQTT3-4.4.0-1], [MQTT3-4.6.0-4]. */
  releaseAgain(): void {
    for (const { packetId, state } of this.#exchanges.values())
      if (state === 'released') this.#release(packetId);
  }

  /** Log position below the first message whose exchange is not stored yet: the cursor must not pass it. */
  get storedUpTo(): number {
    if (this.#entering === 0) return Infinity;
    for (const { state, inTurn, pos } of this.#exchanges.values())
      if (state === 'entering' && inTurn) return pos - 1;
    return Infinity;
  }

  /** All QoS 2 messages of the log up to here have been begun. */
  get begun(): number {
    return this.#begun;
  }

  list(): OutgoingExactlyOnce[] {
    return [...this.#exchanges.values()].map(({ packetId, pos, state, retained }) => ({
      packetId,
      pos,
      released: state === 'releasing' || state === 'released',
      ...(retained === undefined ? {} : { retained }),
    }));
  }

  #releaseUnknown(packetId: number): void {
    const { outbox, level } = this.#options;
    if (level === 5) outbox.send(encodeAcknowledgement(level, PUBREL, packetId, NOT_FOUND));
    else this.#release(packetId);
  }

  #release(packetId: number): void {
    this.#options.outbox.acknowledge(PUBREL_FIRST, packetId);
  }

  #commit(then: () => void): void {
    const { log } = this.#options;
    if (log === undefined) then();
    else log.commit(then);
  }
}
