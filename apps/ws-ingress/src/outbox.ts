import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from './clock.ts';
import type { WriteTurn } from './write-turn.ts';

const TEXT = { binary: false, compress: false, fin: true };

/** The way out to one client, with a bound on what may wait for it to read. */
export interface Outbox {
  /** There is room for another message. */
  readonly room: boolean;
  /** When the bound was reached, until everything has left; undefined: it has not been. */
  readonly fullSinceMs: number | undefined;
  /** Sends one text message, in the order of the calls; everything of one turn in one write. */
  send(frame: string | Buffer): void;
}

export interface OutboxOptions {
  ws: WebSocket;
  /** The socket under it. */
  socket: Duplex;
  turn: WriteTurn;
  clock: Clock;
  maxBytes: number;
  /** The bound was reached. */
  onFull(): void;
  /** Everything has left after that. */
  onDrained(): void;
}

export function createOutbox({
  ws,
  socket,
  turn,
  clock,
  maxBytes,
  onFull,
  onDrained,
}: OutboxOptions): Outbox {
  let fullSinceMs: number | undefined;
  // The bound is not below the socket's high-water mark, so that a socket that was full says when it has drained.
  socket.on('drain', () => {
    if (fullSinceMs === undefined) return;
    fullSinceMs = undefined;
    onDrained();
  });
  return {
    get room() {
      return fullSinceMs === undefined && ws.readyState === ws.OPEN;
    },
    get fullSinceMs() {
      return fullSinceMs;
    },
    send(frame) {
      if (ws.readyState !== ws.OPEN) return;
      turn.gather(socket);
      ws.send(frame, TEXT);
      if (fullSinceMs !== undefined || ws.bufferedAmount < maxBytes) return;
      fullSinceMs = clock.now();
      onFull();
    },
  };
}
