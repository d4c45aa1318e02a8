import type { Clock } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import { decodeJson, decodeToken, SessionRecord } from '@trivium/contracts';
import { viewSession, type SessionView } from '@trivium/sessions';

export interface SessionWatchOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  /** A session is there, has changed, or (`view` undefined) is gone or not to be read. */
  onChange(client: string, view: SessionView | undefined): void;
}

/** All sessions of the hub, compactly, by one watch of their bucket. */
export interface SessionWatch {
  /** Resolves when all sessions are known. */
  readonly ready: Promise<void>;
  readonly size: number;
  get(client: string): SessionView | undefined;
  all(): Iterable<SessionView>;
  close(): void;
}

export function watchSessions({ bus, clock, logger, onChange }: SessionWatchOptions): SessionWatch {
  const views = new Map<string, SessionView>();
  let known = false;
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (markReady = resolve));
  const watch = bus.bucket('sessions').watch(
    '*',
    (key, value, revision) => {
      const client = decodeToken(key);
      if (client === undefined) return;
      const read = value === undefined ? undefined : decodeJson(SessionRecord, value);
      if (read?.ok !== true) {
        // One of a later version is left to routers of that version.
        if (read !== undefined) logger.warn({ client }, 'a session record cannot be read');
        if (views.delete(client)) onChange(client, undefined);
        return;
      }
      const seenMs = known ? clock.monotonicMs() : -Infinity;
      const view = viewSession(client, read.value, revision, seenMs);
      views.set(client, view);
      onChange(client, view);
    },
    () => {
      known = true;
      markReady();
    },
  );
  return {
    ready,
    get size() {
      return views.size;
    },
    get: (client) => views.get(client),
    all: () => views.values(),
    close: watch.close,
  };
}
