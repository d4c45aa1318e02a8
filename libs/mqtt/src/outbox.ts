import type { OutputArena } from './output-arena.ts';
import type { DoorTurn, Flushable } from './door-turn.ts';
import type { DoorStats } from './stats.ts';
import type { Transport } from './transport.ts';

/** Bytes of one turn that are not held back for more. */
const EAGER_BYTES = 65_536;
/** Pieces that together are smaller than this are copied into one; larger ones are written as they are. */
const JOIN_BYTES = 65_536;

/** What the outboxes of a door share. */
export interface OutputShared {
  readonly arena: OutputArena;
  readonly turn: DoorTurn;
  readonly stats: DoorStats;
}

/**
 * What is on its way to one client. Packets are pieces of the arena; a piece that begins where the last one ends only extends it. One
 * write goes to the transport at a time: while it has not left, what follows is copied out of the arena and waits, bounded by whoever
 * asks `waiting` before adding to it.
 */
export class Outbox implements Flushable {
  /** Bytes accepted and not known to have left. */
  waiting = 0;
  readonly #shared: OutputShared;
  readonly #transport: Transport;
  /** The last piece of this turn, and those before it. */
  #buffer: Buffer | undefined;
  #start = 0;
  #end = 0;
  #pieces: Buffer[] | undefined;
  #turnBytes = 0;
  #dirty = false;
  /** The transport still has bytes of ours; `#held` follows them. */
  #blocked = false;
  #sending = 0;
  #held: Buffer[] | undefined;

  constructor(shared: OutputShared, transport: Transport) {
    this.#shared = shared;
    this.#transport = transport;
  }

  /** Adds the bytes [start, end) of `buffer`, which nobody changes any more. */
  append(buffer: Buffer, start: number, end: number): void {
    if (buffer === this.#buffer && start === this.#end) this.#end = end;
    else {
      this.#closePiece();
      this.#buffer = buffer;
      this.#start = start;
      this.#end = end;
    }
    const size = end - start;
    this.waiting += size;
    this.#turnBytes += size;
    if (this.#dirty) {
      if (this.#turnBytes >= EAGER_BYTES) this.#write();
      return;
    }
    this.#dirty = true;
    this.#shared.turn.write(this);
  }

  /** Adds a packet made elsewhere. */
  send(packet: Buffer): void {
    const { arena } = this.#shared;
    const at = arena.reserve(packet.length);
    packet.copy(arena.buffer, at);
    this.append(arena.buffer, at, at + packet.length);
  }

  /** Adds a packet of four bytes: an acknowledgement of 3.1.1, or of 5 without a reason. */
  acknowledge(firstByte: number, packetId: number): void {
    const { arena } = this.#shared;
    const at = arena.reserve(4);
    const { buffer } = arena;
    buffer[at] = firstByte;
    buffer[at + 1] = 2;
    buffer[at + 2] = packetId >> 8;
    buffer[at + 3] = packetId & 0xff;
    this.append(buffer, at, at + 4);
  }

  /** The turn is over. */
  flush(): void {
    this.#dirty = false;
    this.#write();
  }

  /** The transport has sent everything. */
  drained(): void {
    this.#blocked = false;
    this.waiting -= this.#sending;
    this.#sending = 0;
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#hand(held, this.waiting - this.#turnBytes);
  }

  #write(): void {
    if (this.#turnBytes === 0) return;
    const bytes = this.#turnBytes;
    this.#closePiece();
    const pieces = this.#pieces ?? [];
    this.#pieces = undefined;
    this.#turnBytes = 0;
    if (!this.#blocked) {
      this.#hand(pieces.length > 1 && bytes < JOIN_BYTES ? [Buffer.concat(pieces, bytes)] : pieces, bytes);
      return;
    }
    this.#held ??= [];
    this.#held.push(Buffer.concat(pieces, bytes));
  }

  #hand(chunks: readonly Buffer[], bytes: number): void {
    this.#shared.stats.bytesOut += bytes;
    if (this.#transport.write(chunks)) this.waiting -= bytes;
    else {
      this.#blocked = true;
      this.#sending = bytes;
    }
  }

  #closePiece(): void {
    if (this.#buffer === undefined) return;
    const piece = this.#buffer.subarray(this.#start, this.#end);
    this.#buffer = undefined;
    if (this.#pieces === undefined) this.#pieces = [piece];
    else this.#pieces.push(piece);
  }
}
