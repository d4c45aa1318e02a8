import type { ErrorCode } from '@trivium/contracts';
import { BEFORE_CONNECT } from './first-byte.ts';
import type { FirstBytes } from './first-byte.ts';

const FIRST_CAPACITY = 4096;
const LONGEST_HEADER = 5;

/**
 * Cuts a stream of chunks into packets. A packet that lies whole in a chunk is described where it lies; one that crosses chunks is
 * copied once, into memory that grows with what has arrived, not with what its header promises.
 *
 * `feed` chunks, then call `next` until it says false. After a true, `first`, `buffer`, `start` and `end` describe the packet until
 * the next call. After a false, `fault` tells a broken stream from one that needs more bytes.
 */
export class FrameSplitter {
  /** First byte of the packet: type and flags. */
  first = 0;
  buffer: Buffer = EMPTY;
  /** Body of the packet, after the remaining length. */
  start = 0;
  end = 0;
  /** Whether the remaining length was written in its shortest form [MQTT-1.5.5-1]. */
  shortest = true;
  fault: ErrorCode | undefined;
  /** First bytes accepted from now on; others are a fault before their packet has arrived. */
  accepted: FirstBytes = BEFORE_CONNECT;
  readonly #maxPacketBytes: number;
  #chunk: Buffer = EMPTY;
  #at = 0;
  #later: Buffer[] | undefined;
  #laterBytes = 0;
  /** A packet that crosses chunks: `#have` bytes of it so far, of `#need` (0: the header is not complete). */
  #partial: Buffer | undefined;
  #have = 0;
  #need = 0;
  #headerBytes = 0;
  #bodyBytes = 0;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Bytes given and not yet described by `next`, but for a packet that has only begun. */
  get waiting(): number {
    return this.#chunk.length - this.#at + this.#laterBytes;
  }

  feed(chunk: Buffer): void {
    if (chunk.length === 0) return; // a WebSocket message may be empty
    if (this.#at >= this.#chunk.length && this.#laterBytes === 0) {
      this.#chunk = chunk;
      this.#at = 0;
      return;
    }
    this.#later ??= [];
    this.#later.push(chunk);
    this.#laterBytes += chunk.length;
  }

  next(): boolean {
    if (this.fault !== undefined) return false;
    this.buffer = EMPTY; // a connection that falls silent keeps no chunk alive
    while (this.#at < this.#chunk.length || this.#turnPage()) {
      if (this.#partial !== undefined ? this.#complete(this.#partial) : this.#take()) return true;
      if (this.fault !== undefined) return false;
    }
    return false;
  }

  #turnPage(): boolean {
    const chunk = this.#later?.shift();
    if (chunk === undefined) {
      this.#chunk = EMPTY;
      this.#at = 0;
      return false;
    }
    this.#laterBytes -= chunk.length;
    this.#chunk = chunk;
    this.#at = 0;
    return true;
  }

  /** The packet that begins here, when the chunk holds all of it; else what there is of it is set aside. */
  #take(): boolean {
    const chunk = this.#chunk;
    const at = this.#at;
    if (!this.#readHeader(chunk, at, chunk.length)) {
      if (this.fault === undefined) this.#setAside(chunk, at, 0);
      return false;
    }
    const start = at + this.#headerBytes;
    const end = start + this.#bodyBytes;
    if (end > chunk.length) {
      this.#setAside(chunk, at, end - at);
      return false;
    }
    this.#describe(chunk, at, start, end);
    this.#at = end;
    return true;
  }

  /** Reads type, flags and remaining length at `at`. False: not all there yet, or `fault` is set. */
  #readHeader(buffer: Buffer, at: number, limit: number): boolean {
    if (this.accepted[buffer[at]!] !== 1) {
      this.fault = this.accepted === BEFORE_CONNECT ? 'protocol.error' : 'protocol.malformed';
      return false;
    }
    let length = 0;
    for (let i = 1; i < LONGEST_HEADER; i++) {
      if (at + i >= limit) return false;
      const byte = buffer[at + i]!;
      length |= (byte & 0x7f) << (7 * (i - 1));
      if (byte >= 0x80) continue;
      this.shortest = byte !== 0 || i === 1;
      this.#headerBytes = i + 1;
      this.#bodyBytes = length;
      if (i + 1 + length <= this.#maxPacketBytes) return true;
      this.fault = 'payload.too-large';
      return false;
    }
    this.fault = 'protocol.malformed'; // a remaining length has at most four bytes
    return false;
  }

  #describe(buffer: Buffer, at: number, start: number, end: number): void {
    this.first = buffer[at]!;
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }

  #setAside(chunk: Buffer, at: number, need: number): void {
    const have = chunk.length - at;
    this.#need = need;
    this.#have = have;
    const capacity = need === 0 ? LONGEST_HEADER : Math.min(need, Math.max(FIRST_CAPACITY, 2 * have));
    this.#partial = Buffer.allocUnsafeSlow(capacity);
    chunk.copy(this.#partial, 0, at);
    this.#at = chunk.length;
  }

  /** Adds to the packet set aside. True when that completes it. */
  #complete(partial: Buffer): boolean {
    if (this.#need === 0) return this.#completeHeader(partial);
    const chunk = this.#chunk;
    const take = Math.min(this.#need - this.#have, chunk.length - this.#at);
    const target = this.#roomFor(partial, this.#have + take);
    chunk.copy(target, this.#have, this.#at, this.#at + take);
    this.#have += take;
    this.#at += take;
    return this.#have === this.#need && this.#finishPartial(target);
  }

  #completeHeader(partial: Buffer): boolean {
    partial[this.#have++] = this.#chunk[this.#at++]!;
    if (!this.#readHeader(partial, 0, this.#have)) return false;
    this.#need = this.#headerBytes + this.#bodyBytes;
    return this.#have === this.#need && this.#finishPartial(partial);
  }

  #roomFor(partial: Buffer, bytes: number): Buffer {
    if (bytes <= partial.length) return partial;
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#need, Math.max(FIRST_CAPACITY, 2 * bytes)));
    partial.copy(larger, 0, 0, this.#have);
    this.#partial = larger;
    return larger;
  }

  #finishPartial(partial: Buffer): boolean {
    this.#describe(partial, 0, this.#need - this.#bodyBytes, this.#need);
    this.#partial = undefined;
    this.#need = 0;
    return true;
  }
}

const EMPTY = Buffer.alloc(0);
