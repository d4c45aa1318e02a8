import type { ServerResponse } from 'node:http';
import type { EventStream } from './event-stream.ts';

/** Streams ended per millisecond of a drain, unless that would take more than half of the grace time. */
const ENDED_PER_MS = 0.1;

/** The open event streams of a door. */
export interface EventStreams {
  readonly size: number;
  /** Of one client. */
  countOf(client: string): number;
  add(stream: EventStream, response: ServerResponse, client: string): void;
  /** A turn of the door's clock. */
  tick(nowMs: number): void;
  /** Ends them at random moments; past `signal` all are cut off. Resolves when all are gone. */
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}

export interface EventStreamsOptions {
  /** Clients come back after between one and two times this. */
  retryMs: number;
  /** From 0 to 1. */
  random: () => number;
}

export function createEventStreams({ retryMs, random }: EventStreamsOptions): EventStreams {
  const open = new Map<ServerResponse, EventStream>();
  const byClient = new Map<string, number>();
  const count = (client: string, by: 1 | -1): void => {
    const streams = (byClient.get(client) ?? 0) + by;
    if (streams === 0) byClient.delete(client);
    else byClient.set(client, streams);
  };
  let gone = (): void => undefined;

  return {
    get size() {
      return open.size;
    },
    countOf: (client) => byClient.get(client) ?? 0,
    add(stream, response, client) {
      open.set(response, stream);
      count(client, 1);
      response.once('close', () => {
        open.delete(response);
        count(client, -1);
        if (open.size === 0) gone();
      });
    },
    tick(nowMs) {
      for (const stream of open.values()) stream.tick(nowMs);
    },
    async drain({ signal, graceMs }) {
      if (open.size === 0) return;
      const spreadMs = Math.min(graceMs / 2, open.size / ENDED_PER_MS);
      const timers = [...open.values()].map((stream) =>
        setTimeout(() => stream.end(retryMs * (1 + random())), random() * spreadMs),
      );
      const cut = (): void => {
        for (const response of open.keys()) response.destroy();
      };
      if (signal.aborted) cut();
      signal.addEventListener('abort', cut);
      await new Promise<void>((resolve) => (gone = resolve));
      signal.removeEventListener('abort', cut);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
