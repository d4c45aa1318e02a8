import type { Socket } from 'node:net';
import type { ListenerStats } from './stats.ts';

/** Connections that are not the protocol's yet: bounded in time and number. */
export interface Handshakes {
  readonly size: number;
  begin(socket: Socket, nowMs: number): void;
  /** It is the protocol's, or gone. */
  end(socket: Socket): void;
  tick(nowMs: number): void;
  /** Closes all of them. */
  closeAll(): void;
}

export interface HandshakesOptions {
  timeoutMs: number;
  /** With one more, the one that has taken longest is closed: who is in earnest takes a moment only. */
  max: number;
  stats: ListenerStats;
}

export function createHandshakes({ timeoutMs, max, stats }: HandshakesOptions): Handshakes {
  /** In the order in which they began, with the time. */
  const under = new Map<Socket, number>();

  const end = (socket: Socket): void => {
    under.delete(socket);
    stats.shakingHands = under.size;
  };
  const cutOff = (socket: Socket): void => {
    end(socket);
    stats.handshakesCutOff++;
    socket.destroy();
  };

  return {
    get size() {
      return under.size;
    },
    begin(socket, nowMs) {
      if (under.has(socket)) return;
      if (under.size >= max) cutOff(under.keys().next().value!);
      under.set(socket, nowMs);
      stats.shakingHands = under.size;
    },
    end,
    tick(nowMs) {
      for (const [socket, beganMs] of under) {
        if (nowMs - beganMs < timeoutMs) return;
        cutOff(socket);
      }
    },
    closeAll() {
      for (const socket of under.keys()) socket.destroy();
    },
  };
}
