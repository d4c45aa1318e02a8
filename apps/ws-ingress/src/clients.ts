import type { Socket } from 'node:net';
import { ERRORS, toWsClose, type ErrorCode } from '@trivium/contracts';
import type { WebSocket } from 'ws';
import type { Connection } from './connection.ts';
import { createHeartbeat } from './heartbeat.ts';

/** Clients closed per millisecond of a drain, unless that would take more than half of the grace time. */
const CLOSED_PER_MS = 0.1;

/** The open WebSockets of a door, whatever they speak. */
export interface Clients {
  readonly size: number;
  /** `connection`: for those that speak `trivium.v1`; the others are ended by whoever serves them. */
  add(ws: WebSocket, socket: Socket, connection: Connection | undefined): void;
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
  const open = new Map<WebSocket, Connection | undefined>();
  const heartbeat = createHeartbeat(pingIntervalMs, now);
  let gone = (): void => undefined;

  return {
    get size() {
      return open.size;
    },
    add(ws, socket, connection) {
      open.set(ws, connection);
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
    tick(nowMs) {
      heartbeat.tick(nowMs);
      for (const connection of open.values()) connection?.tick(nowMs);
    },
    reconsider() {
      for (const connection of open.values()) connection?.reconsider();
    },
    closeAll(code) {
      for (const [ws, connection] of open) {
        if (connection === undefined) ws.terminate();
        else connection.close(toWsClose(code), `${code}: ${ERRORS[code].summary}`);
      }
    },
    async drain({ signal, graceMs }) {
      if (open.size === 0) return;
      const spreadMs = Math.min(graceMs / 2, open.size / CLOSED_PER_MS);
      const code: ErrorCode = 'server.draining';
      const timers = [...open.values()].map((connection) =>
        setTimeout(() => connection?.drain(code), random() * spreadMs),
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
