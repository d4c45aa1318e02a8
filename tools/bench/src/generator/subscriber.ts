import type { Link } from './link.ts';
import type { OutBuffer } from './out-buffer.ts';
import { PAYLOAD_HEADER_BYTES, type Level } from './packets.ts';
import type { Publisher } from './publisher.ts';
import type { Tally } from './tally.ts';
import { Track } from './track.ts';

export interface SubscriberOptions {
  id: number;
  filter: string;
  /** Those whose messages it must receive. */
  publishers: readonly Publisher[];
  payloadBytes: number;
  level?: Level;
  tally: Tally;
  /** Called for each message that is seen for the first time. */
  progress: (publisher: Publisher) => void;
}

/** Checks what one subscriber is sent, and acknowledges it. */
export class Subscriber {
  readonly id: number;
  readonly filter: string;
  link: Link | undefined;
  readonly #options: SubscriberOptions;
  readonly #publishers = new Map<number, { publisher: Publisher; track: Track }>();

  constructor(options: SubscriberOptions) {
    this.id = options.id;
    this.filter = options.filter;
    this.#options = options;
    for (const publisher of options.publishers)
      this.#publishers.set(publisher.id, { publisher, track: new Track() });
  }

  /** A PUBLISH packet; its PUBACK, at QoS 1, is appended to `acks`. */
  publish(firstByte: number, bytes: Buffer, start: number, end: number, acks: OutBuffer): void {
    let at = start + 2 + (((bytes[start] as number) << 8) | (bytes[start + 1] as number));
    if ((firstByte & 0b110) !== 0) {
      const ack = acks.room(4);
      const target = acks.bytes;
      target[ack] = 0x40;
      target[ack + 1] = 2;
      target[ack + 2] = bytes[at] as number;
      target[ack + 3] = bytes[at + 1] as number;
      at += 2;
    }
    // Properties, of fewer than 128 bytes.
    if (this.#options.level === 5) at += 1 + (bytes[at] as number);
    if (end - at === this.#options.payloadBytes && end - at >= PAYLOAD_HEADER_BYTES) this.#payload(bytes, at);
    else this.#options.tally.malformed++;
  }

  #payload(bytes: Buffer, at: number): void {
    const { tally, progress } = this.#options;
    const source = this.#publishers.get(bytes.readUInt32BE(at + 8));
    const sequence = bytes.readUInt32BE(at + 12);
    if (source === undefined || sequence >= source.publisher.sent) {
      tally.misrouted++;
      return;
    }
    const sighting = source.track.see(sequence);
    if (sighting === 'duplicate') {
      tally.duplicates++;
      return;
    }
    if (sighting === 'late') tally.reordered++;
    tally.delivered++;
    tally.lastProgress = tally.now;
    source.publisher.received++;
    if (tally.measuring) tally.latency.add(tally.now - bytes.readDoubleBE(at));
    progress(source.publisher);
  }
}
