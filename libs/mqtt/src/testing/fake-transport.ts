import type { Transport, TransportSink } from '../transport.ts';

/** A client's end of a transport in memory: what the door wrote, and what the client does. */
export class FakeTransport implements Transport {
  sink!: TransportSink;
  readonly writes: Buffer[] = [];
  paused = false;
  ended = false;
  destroyed = false;
  /** The client does not read: writes do not leave until `drain`. */
  stuck = false;

  open(sink: TransportSink): void {
    this.sink = sink;
  }
  write(chunks: readonly Buffer[]): boolean {
    if (this.ended) throw new Error('written after the end');
    // Copied: what is handed over must not change any more, and a test would not see that it did.
    this.writes.push(Buffer.concat(chunks));
    return !this.stuck;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    this.ended = true;
  }
  destroy(): void {
    if (this.destroyed) return;
    this.ended = this.destroyed = true;
    this.sink.onClose();
  }

  /** Bytes from the client, in one chunk. Resolves when the turn in which they come is over. */
  send(...packets: Buffer[]): Promise<void> {
    this.sink.onData(Buffer.concat(packets));
    return new Promise((resolve) => setImmediate(resolve));
  }
  drain(): void {
    this.stuck = false;
    this.sink.onDrain();
  }
  /** Everything written since the last call, as hex. */
  taken(): string {
    return Buffer.concat(this.writes.splice(0)).toString('hex');
  }
}
