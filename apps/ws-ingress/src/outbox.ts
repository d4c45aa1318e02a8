import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '@trivium/clock';
import { isCompressing } from './compression.ts';
import type { WriteTurn } from './write-turn.ts';

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
  const compress = isCompressing(ws);
  const text = { binary: false, compress, fin: true };
  let fullSinceMs: number | undefined;
  let unsent = 0;
  const drained = (): void => {
    if (fullSinceMs === undefined) return;
    fullSinceMs = undefined;
    onDrained();
  };
  const sent = (): void => {
    if (--unsent === 0) drained();
  };
  // The bound is not below the socket's high-water mark, so that a socket that was full says when it has drained. What waits to be
  // compressed is not in the socket: then each message has to say so.
  if (!compress) socket.on('drain', drained);
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
      if (compress) {
        unsent++;
        ws.send(frame, text, sent);
      } else ws.send(frame, text);
      if (fullSinceMs !== undefined || ws.bufferedAmount < maxBytes) return;
      fullSinceMs = clock.now();
      onFull();
    },
  };
}
