/** A peer that may have died without a word. */
export interface Watched {
  /** Grows with whatever is heard from the peer. */
  readonly bytesRead: number;
  /** We do not listen to it at the moment: its silence says nothing. */
  readonly isPaused: boolean;
  ping(): void;
  /** Nothing was heard for two intervals. */
  dead(): void;
}

/** Finds dead peers with one tick for all: a silent one is pinged after an interval and given up after two. */
export interface Heartbeat {
  /** Returns how to stop watching. */
  watch(peer: Watched): () => void;
  tick(nowMs: number): void;
}

interface Entry {
  readonly peer: Watched;
  bytesRead: number;
  heardAtMs: number;
  pinged: boolean;
}

export function createHeartbeat(intervalMs: number, now: () => number): Heartbeat {
  const entries = new Set<Entry>();
  return {
    watch(peer) {
      const entry: Entry = { peer, bytesRead: peer.bytesRead, heardAtMs: now(), pinged: false };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    tick(nowMs) {
      for (const entry of entries) {
        const { peer } = entry;
        if (peer.isPaused || peer.bytesRead !== entry.bytesRead) {
          entry.bytesRead = peer.bytesRead;
          entry.heardAtMs = nowMs;
          entry.pinged = false;
        } else if (nowMs - entry.heardAtMs >= 2 * intervalMs) {
          entries.delete(entry);
          peer.dead();
        } else if (!entry.pinged && nowMs - entry.heardAtMs >= intervalMs) {
          entry.pinged = true;
          peer.ping();
        }
      }
    },
  };
}
