import { Duplex } from 'node:stream';
import { TriviumError } from '@trivium/contracts';
import { FrameReader, headerLength } from './frame-reader.ts';
import { PacketScanner } from './packet-scanner.ts';
import {
  answerTo,
  DISCONNECT,
  hasZeroPacketId,
  PUBACK,
  PUBLISH,
  PUBREC,
  wantsAcknowledgement,
} from './packet-type.ts';
import type { AedesDoorStats } from './stats.ts';

/** A client that does not close its side is cut off this long after the gate was closed. */
const LINGER_MS = 1_000;

export interface FrameGateOptions {
  socket: Duplex;
  maxPacketBytes: number;
  stats: AedesDoorStats;
  /**
   * Asked before each PUBLISH, which has so many bytes after its fixed header. True: it is handed over. False: it waits, and all after
   * it, until an acknowledgement leaves or `pump` is called.
   */
  mayPublish(bytes: number): boolean;
  /** aedes threw while it was handling what this gate gave it. */
  onFault(error: unknown): void;
  /** Once, whoever closed it; with what was wrong, if something was. */
  onClosed(error: Error | undefined): void;
}

/**
 * The stream that aedes takes for its connection. The bytes are the client's, unchanged, but one packet at a time, and none before
 * the answer to the CONNECT, SUBSCRIBE, UNSUBSCRIBE or PINGREQ before it has gone out: aedes handles everything it has read at once
 * and in no order. It bounds what aedes would buffer without end, a packet and the unacknowledged messages, and keeps aedes' faults
 * from ending the process.
 */
export class FrameGate extends Duplex {
  readonly #options: FrameGateOptions;
  readonly #reader: FrameReader;
  readonly #scanner: PacketScanner;
  #frames: Buffer[] = [];
  #next = 0;
  /** aedes has read the last packet and asks for more. */
  #wanted = false;
  #pumping = false;
  #awaited = 0;
  #unacknowledged = 0;
  #held = false;
  #paused = false;
  #inputEnded = false;
  #endGiven = false;
  #disconnected = false;
  #closed = false;
  #onDrain: (() => void) | undefined;

  constructor(options: FrameGateOptions) {
    // With more than a byte of room, Node would ask for a second packet while the first has not been read.
    super({ readableHighWaterMark: 1 });
    this.#options = options;
    this.#reader = new FrameReader(options.maxPacketBytes);
    this.#scanner = new PacketScanner((type) => this.#onAnswer(type));
    const { socket } = options;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onSocketDrain());
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => this.destroy());
  }

  /** PUBLISH packets that aedes has and has not acknowledged. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Whether the client has said DISCONNECT. */
  get disconnected(): boolean {
    return this.#disconnected;
  }

  /** Gives aedes nothing more, and reads nothing more. */
  hold(): void {
    this.#held = true;
    this.#pause();
  }

  /** Goes on if `mayPublish` was what stopped it. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Closes without waiting for what was written. */
  abort(): void {
    this.destroy();
    this.#options.socket.destroy();
  }

  // Node types `emit` by event; what passes through here is any of them.
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      return (super.emit as (event: string | symbol, ...args: unknown[]) => boolean).call(
        this,
        event,
        ...args,
      );
    } catch (error) {
      this.#options.onFault(error);
      this.destroy();
      return true;
    }
  }

  override _read(): void {
    this.#wanted = true;
    this.pump();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#send([chunk], done);
  }

  override _writev(items: { chunk: Buffer }[], done: () => void): void {
    this.#send(
      items.map((item) => item.chunk),
      done,
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closed = true;
    this.#frames = [];
    this.#options.onClosed(error ?? undefined);
    this.#release();
    done(null); // who destroyed it knows why; aedes hears `close`
  }

  #onData(chunk: Buffer): void {
    this.#options.stats.bytesIn += chunk.length;
    if (this.#closed) return;
    const fault = this.#reader.add(chunk, this.#frames);
    if (fault !== undefined) return void this.destroy(new TriviumError(fault));
    this.#pump();
    if (this.#next < this.#frames.length) this.#pause();
  }

  #pump(): void {
    if (!this.#wanted || this.#held || this.#closed) return;
    const frame = this.#frames[this.#next];
    if (frame === undefined) return this.#giveEnd();
    if (this.#awaited !== 0) return;
    const type = frame[0]! >> 4;
    if (type === PUBLISH && !this.#options.mayPublish(frame.length - headerLength(frame, 0))) return;
    if (hasZeroPacketId(frame))
      return void this.destroy(new TriviumError('protocol.malformed', 'packet id 0'));
    this.#awaited = answerTo(type);
    if (wantsAcknowledgement(frame)) this.#unacknowledged++;
    if (type === DISCONNECT) this.#disconnected = true;
    if (++this.#next === this.#frames.length) {
      this.#frames = [];
      this.#next = 0;
      this.#resume();
    }
    this.#wanted = false;
    this.push(frame);
  }

  /** The client sends no more: aedes hears of it when everything before is answered. */
  #giveEnd(): void {
    if (!this.#inputEnded || this.#endGiven || this.#awaited !== 0 || this.#unacknowledged > 0) return;
    this.#endGiven = true;
    this.push(null);
  }

  #send(chunks: Buffer[], done: () => void): void {
    const { socket, stats } = this.#options;
    let room = true;
    socket.cork();
    for (const chunk of chunks) {
      this.#scanner.scan(chunk);
      stats.bytesOut += chunk.length;
      room = socket.write(chunk);
    }
    socket.uncork();
    if (room) done();
    else this.#onDrain = done;
  }

  #onSocketDrain(): void {
    const done = this.#onDrain;
    this.#onDrain = undefined;
    done?.();
  }

  #onAnswer(type: number): void {
    if (type === this.#awaited) this.#awaited = 0;
    else if (type === PUBACK || type === PUBREC) this.#unacknowledged--;
    else return;
    this.pump();
  }

  #onEnd(): void {
    this.#inputEnded = true;
    this.pump();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#options.socket.pause();
  }

  #resume(): void {
    if (!this.#paused || this.#held) return;
    this.#paused = false;
    this.#options.socket.resume();
  }

  /** What was written leaves, what still comes is not looked at: unread bytes would make the kernel throw away what has not left. */
  #release(): void {
    const { socket } = this.#options;
    if (socket.destroyed) return;
    socket.resume();
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    linger.unref();
    socket.once('close', () => clearTimeout(linger));
    socket.end();
  }
}
