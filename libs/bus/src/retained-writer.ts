import {
  encodeHeaders,
  HEADERS,
  retainedSubject,
  TriviumError,
  type Properties,
  type QoS,
} from '@trivium/contracts';
import type { Lane } from './lane.ts';
import type { AckPublisher } from './publisher.ts';
import { addHeaders } from './wire.ts';

const WRONG_LAST_SEQUENCE = 10071;
/** What clears a topic stays this long, so that an older message cannot come back. */
const TOMBSTONE_SECONDS = 3_600;
const KNOWN = 50_000;
const TRIES = 16;

/** What is written for a topic, and by which position of the log. */
interface Known {
  revision: number;
  pos: number;
}

/** The writes of one topic here: one under way, and at most one after it, the newest of all that came meanwhile. */
interface Turn {
  readonly running: Promise<void>;
  next: { record: RetainedRecord; readonly done: Promise<void> } | undefined;
}

/** A message that is stored in `MESSAGES` and becomes the retained one of its topic. */
export interface RetainedRecord {
  /** Of the topic. */
  tokens: string;
  /** Empty: the topic has no retained message any more. */
  payload: Uint8Array;
  /** As published. */
  qos: QoS;
  /** Publisher's id, if it has one. */
  client?: string | undefined;
  properties?: Properties | undefined;
  /** Position of the message in `MESSAGES`. */
  pos: number;
}

/**
 * Writes `RETAINED` (rule 5): by compare-and-set, and never a lower log position over a higher one, so that whatever door
 * published, the record ends as the newest message of the log. Resolves when the record is at `pos` or above.
 */
export function createRetainedWriter(
  lane: Lane,
  publisher: AckPublisher,
): (record: RetainedRecord) => Promise<void> {
  const known = new Map<string, Known>();
  const turns = new Map<string, Turn>();
  // NATS may come back without its newest second: a position that was written may then be given out again.
  lane.onState((up) => {
    if (!up) known.clear();
  });

  const remember = (tokens: string, entry: Known): void => {
    known.delete(tokens);
    known.set(tokens, entry);
    if (known.size > KNOWN) known.delete(known.keys().next().value!);
  };

  const put = (record: RetainedRecord, expect: number): Promise<number | undefined> => {
    const { tokens, payload, qos, client, properties, pos } = record;
    const headers = encodeHeaders({
      properties,
      client,
      qosBelowSubject: qos === 2 ? undefined : qos,
      retain: true,
      pos,
    });
    const pairs: [string, string | number][] = [['Nats-Expected-Last-Subject-Sequence', expect]];
    const seconds = payload.length === 0 ? TOMBSTONE_SECONDS : lifetime(properties?.expiresAt);
    if (seconds !== undefined) pairs.push(['Nats-TTL', `${seconds}s`]);
    return new Promise((resolve, reject) => {
      const sink = {
        stored: (_token: number, revision: number) => resolve(revision),
        failed(_token: number, code: TriviumError['code'], apiCode?: number) {
          if (apiCode === WRONG_LAST_SEQUENCE) resolve(undefined);
          else reject(new TriviumError(code));
        },
      };
      publisher.durable(retainedSubject(tokens), payload, addHeaders(headers, pairs), sink, 0);
    });
  };

  const read = async (tokens: string): Promise<Known> => {
    const answer = await lane.nc
      .request(`$JS.API.DIRECT.GET.RETAINED.${retainedSubject(tokens)}`, undefined, { timeout: 5_000 })
      .catch((cause: unknown) => {
        throw new TriviumError('bus.unavailable', 'reading a retained message', { cause });
      });
    const status = answer.headers?.code ?? 0;
    if (status === 404) return { revision: 0, pos: 0 };
    if (status !== 0) throw new TriviumError('bus.unavailable', `reading a retained message: ${status}`);
    return {
      revision: Number(answer.headers!.get('Nats-Sequence')),
      pos: Number(answer.headers!.get(HEADERS.pos) || 0),
    };
  };

  const write = async (record: RetainedRecord): Promise<void> => {
    const { tokens, pos } = record;
    let last = known.get(tokens) ?? { revision: 0, pos: 0 };
    for (let tries = 0; tries < TRIES; tries++) {
      if (last.pos >= pos) return;
      const revision = await put(record, last.revision);
      if (revision !== undefined) {
        if ((known.get(tokens)?.pos ?? 0) < pos) remember(tokens, { revision, pos });
        return;
      }
      last = await read(tokens);
      remember(tokens, last);
    }
    throw new TriviumError('bus.overloaded', 'too many publishers retain messages on this topic at once');
  };
  const begin = (record: RetainedRecord): Promise<void> => {
    const turn: Turn = { running: write(record), next: undefined };
    turns.set(record.tokens, turn);
    const end = (): void => {
      if (turn.next === undefined) turns.delete(record.tokens);
    };
    turn.running.then(end, end);
    return turn.running;
  };

  return (record) => {
    const turn = turns.get(record.tokens);
    if (turn === undefined) return begin(record);
    const { next } = turn;
    if (next !== undefined) {
      if (next.record.pos < record.pos) next.record = record;
      return next.done;
    }
    const go = (): Promise<void> => begin(turn.next!.record);
    turn.next = { record, done: turn.running.then(go, go) };
    return turn.next.done;
  };
}

/** Whole seconds, at least one: NATS takes no less. The exact time is in `Tv-Exp`. */
function lifetime(expiresAt: number | undefined): number | undefined {
  return expiresAt === undefined ? undefined : Math.max(1, Math.ceil((expiresAt - Date.now()) / 1_000));
}
