import { setTimeout as wait } from 'node:timers/promises';
import { askDoor, Refused, Unreachable } from '../door/ask-door.ts';
import type { Door } from '../door/door.ts';
import { createEventParser, type StreamEvent } from './event-parser.ts';

export interface StreamOptions {
  readonly door: Door;
  readonly query: URLSearchParams;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** A `msg` object of `trivium.v1`. */
  onMessage(data: string): void;
  /** What happens to the connection. */
  note(text: string): void;
  /** What the reader misses. */
  warn(text: string): void;
}

const FIRST_DELAY_MS = 500;
const MOST_DELAY_MS = 15_000;
/** The door says something every 15 s; a connection that is silent for longer is none. */
const SILENCE_MS = 45_000;

/**
 * Messages of an event stream, over as many connections as it takes, from the last position on. Resolves when `signal` says so. Rejects with
 * `Refused` when the door says no for good, and with `Unreachable` when the first connection fails.
 */
export async function followStream(options: StreamOptions): Promise<void> {
  const { signal, note } = options;
  let place: Place = { lastId: '', retryMs: FIRST_DELAY_MS };
  let connected = false;
  for (let failures = 0; !signal.aborted; failures++) {
    let lost: string;
    let asked: number | undefined;
    try {
      place = await readOnce(options, place, () => {
        connected = true;
        failures = 0;
        note('subscribed');
      });
      lost = 'the connection ended';
    } catch (error) {
      if (signal.aborted) return;
      const passing = error instanceof Unreachable || (error instanceof Refused && isPassing(error.status));
      if (!connected || !passing) throw error;
      lost = error.message;
      asked = error instanceof Refused ? error.retryAfterMs : undefined;
    }
    if (signal.aborted) return;
    const delayMs = asked ?? Math.min(MOST_DELAY_MS, place.retryMs * 2 ** Math.min(failures, 6));
    note(`${lost}; again in ${delayMs} ms`);
    await wait(delayMs, undefined, { signal }).catch(() => undefined);
  }
}

interface Place {
  readonly lastId: string;
  readonly retryMs: number;
}

const isPassing = (status: number): boolean => status === 429 || status >= 500;

/** One connection. Resolves, when it ends, to where the next one goes on. */
async function readOnce(options: StreamOptions, place: Place, onOpen: () => void): Promise<Place> {
  const { door, query, signal } = options;
  const response = await askDoor(door, {
    method: 'GET',
    path: '/v1/stream',
    query,
    headers: {
      accept: 'text/event-stream',
      ...(place.lastId === '' ? {} : { 'last-event-id': place.lastId }),
    },
    signal,
  });
  onOpen();
  const parser = createEventParser(place.lastId, (event) => take(event, options));
  response.setEncoding('utf8');
  response.socket.setTimeout(SILENCE_MS, () => response.destroy());
  try {
    for await (const text of response as AsyncIterable<string>) {
      parser.push(text);
      if (signal.aborted) break;
    }
  } catch {
    // Cut off: what was whole has been read.
  }
  response.destroy();
  return { lastId: parser.lastId, retryMs: parser.retryMs ?? place.retryMs };
}

function take({ name, data }: StreamEvent, { onMessage, warn }: StreamOptions): void {
  if (name === 'message') onMessage(data);
  else if (name === 'lost') {
    const { from, to } = JSON.parse(data) as { from: number; to: number };
    warn(`the messages ${from} to ${to} of the log are not kept any more`);
  } else if (name === 'dropped') {
    warn(`${(JSON.parse(data) as { live: number }).live} live messages were dropped: they came too fast`);
  } else if (name === 'slow') warn('this reader was too slow');
}
