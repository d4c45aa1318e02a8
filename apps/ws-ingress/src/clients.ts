import type { Socket } from 'node:net';
import { ERRORS, toWsClose, type ErrorCode } from '@trivium/contracts';
import type { WebSocket } from 'ws';
import type { Connection } from './connection.ts';
import { createHeartbeat } from './heartbeat.ts';

/** Clients closed per millisecond of a drain, unless that would take more than half of the grace time. */
const CLOSED_PER_MS = 0.1;

/** What serves a client, as far as the door is concerned with it. */
export type Served = Pick<Connection, 'tick' | 'reconsider' | 'drain' | 'close'>;

/** The open WebSockets of a door, whatever they speak. */
export interface Clients {
  readonly size: number;
  /** `served`: for those that speak `trivium.v1`; the others are ended by whoever serves them. */
  add(ws: WebSocket, socket: Socket, served: Served | undefined): void;
  /** From now on it is served by `served`. */
  hand(ws: WebSocket, served: Served | undefined): void;
  /** A turn of the door's clock. */
  tick(nowMs: number): void;
  /** Each decides anew whether its client is read from. */
  reconsider(): void;
  /** Ends them all now; when it returns nothing more is delivered to them. */
  closeAll(code: ErrorCode): void;
  /** Resolves when all are gone: `trivium.v1` clients are told at random moments, past `signal` all are cut off. */
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}

export interface ClientsOptions {
  pingIntervalMs: number;
  now: () => number;
  /** From 0 to 1. */
  random: () => number;
}

export function createClients({ pingIntervalMs, now, random }: ClientsOptions): Clients {
  const open = new Map<WebSocket, Served | undefined>();
  const heartbeat = createHeartbeat(pingIntervalMs, now);
  let gone = (): void => undefined;

  return {
    get size() {
      return open.size;
    },
    add(ws, socket, served) {
      open.set(ws, served);
      const unwatch = heartbeat.watch({
        get bytesRead() {
          return socket.bytesRead;
        },
        get isPaused() {
          return ws.isPaused;
        },
        ping: () => ws.ping(),
        dead: () => ws.terminate(),
      });
      ws.on('close', () => {
        unwatch();
        open.delete(ws);
        if (open.size === 0) gone();
      });
    },
    hand(ws, served) {
      if (open.has(ws)) open.set(ws, served);
    },
    tick(nowMs) {
      heartbeat.tick(nowMs);
      for (const served of open.values()) served?.tick(nowMs);
    },
    reconsider() {
      for (const served of open.values()) served?.reconsider();
    },
    closeAll(code) {
      for (const [ws, served] of open) {
        if (served === undefined) ws.terminate();
        else served.close(toWsClose(code), `${code}: ${ERRORS[code].summary}`);
      }
    },
    async drain({ signal, graceMs }) {
      if (open.size === 0) return;
      const spreadMs = Math.min(graceMs / 2, open.size / CLOSED_PER_MS);
      const code: ErrorCode = 'server.draining';
      const timers = [...open.values()].map((served) =>
        setTimeout(() => served?.drain(code), random() * spreadMs),
      );
      const cut = (): void => {
        for (const ws of open.keys()) ws.terminate();
      };
      if (signal.aborted) cut();
      signal.addEventListener('abort', cut);
      await new Promise<void>((resolve) => (gone = resolve));
      signal.removeEventListener('abort', cut);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
