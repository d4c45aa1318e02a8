import { TriviumError, type StreamName } from '@trivium/contracts';
import { createInbox, type Msg } from '@nats-io/nats-core';
import type { BusMessage } from './bus.ts';
import type { Lane } from './lane.ts';
import { encodeText } from './wire.ts';

/** A message as a stream keeps it. */
export interface StoredMessage {
  readonly pos: number;
  /** When it was stored, milliseconds since the epoch. */
  readonly storedAt: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: BusMessage['headers'];
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4 << 20;
const END_OF_BATCH = 204;
const NOT_FOUND = 404;

/** Reads of a stream without a consumer, by direct get. All reject with a retryable `TriviumError` when NATS does not answer. */
export interface StoredMessages {
  /** The newest message on a subject, undefined when there is none. */
  readLast(stream: StreamName, subject: string): Promise<StoredMessage | undefined>;
  /**
   * The next messages above a position, in order: at most `max` (to 1,000) and about 4 MiB, so that there may be more even when there are
   * fewer. None: there are none.
   */
  readAfter(stream: StreamName, after: number, max: number): Promise<StoredMessage[]>;
}

export function createStoredMessages(lane: Lane): StoredMessages {
  const { nc } = lane;

  return {
    async readLast(stream, subject) {
      if (!lane.up) throw new TriviumError('bus.unavailable');
      const answer = await nc
        .request(`$JS.API.DIRECT.GET.${stream}.${subject}`, undefined, { timeout: TIMEOUT_MS })
        .catch((cause: unknown) => {
          throw new TriviumError('bus.unavailable', `reading ${subject}`, { cause });
        });
      const status = answer.headers?.code ?? 0;
      if (status === NOT_FOUND) return undefined;
      if (status !== 0) throw new TriviumError('bus.unavailable', `reading ${subject}: ${status}`);
      return storedMessage(answer);
    },
    readAfter(stream, after, max) {
      if (!lane.up) return Promise.reject(new TriviumError('bus.unavailable'));
      return new Promise((resolve, reject) => {
        const found: StoredMessage[] = [];
        const fail = (what: string): void => {
          end();
          reject(new TriviumError('bus.unavailable', `reading ${stream} after ${after}: ${what}`));
        };
        const end = (): void => {
          clearTimeout(deadline);
          answers.unsubscribe();
        };
        const inbox = createInbox(lane.inbox);
        const answers = nc.subscribe(inbox, {
          callback(error, message) {
            if (error) return fail(error.message);
            const status = message.headers?.code ?? 0;
            if (status === 0) return void found.push(storedMessage(message));
            if (status !== END_OF_BATCH && status !== NOT_FOUND) return fail(String(status));
            end();
            resolve(found);
          },
        });
        const deadline = setTimeout(() => fail('no answer'), TIMEOUT_MS);
        const wanted = { seq: after + 1, batch: max, max_bytes: MAX_BYTES };
        nc.publish(`$JS.API.DIRECT.GET.${stream}`, encodeText(JSON.stringify(wanted)), { reply: inbox });
      });
    },
  };
}

/** The data is copied: it is a view into what came from the socket. */
function storedMessage({ data, headers }: Msg): StoredMessage {
  return {
    pos: Number(headers!.get('Nats-Sequence')),
    storedAt: Date.parse(headers!.get('Nats-Time-Stamp')),
    subject: headers!.get('Nats-Subject'),
    data: new Uint8Array(data),
    headers,
  };
}
