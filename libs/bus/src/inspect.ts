import { TriviumError } from '@trivium/contracts';
import type { BusConfig } from './config.ts';
import type { Lane } from './lane.ts';
import { differences, wantedStreams } from './provision.ts';
import { api } from './wire.ts';

/** A stream, or the stream of a bucket (`KV_…`), as NATS has it. */
export interface StreamInspection {
  readonly name: string;
  readonly there: boolean;
  /** Settings that are not as this process's configuration wants them. */
  readonly differs: readonly string[];
  readonly messages: number;
  readonly bytes: number;
  /** Positions kept; `last` below `first`: none. */
  readonly first: number;
  readonly last: number;
  /** Distinct subjects, each of which costs memory. */
  readonly subjects: number;
  readonly consumers: number;
  /** -1: no limit of its own. */
  readonly maxBytes: number;
  /** 0: no limit. */
  readonly maxAgeMs: number;
  /** Which messages give way at the limit. */
  readonly discards: 'old' | 'new';
}

/** What NATS says about itself and about what it keeps of the hub: for those who look after it. */
export interface Inspection {
  readonly server: { readonly name: string; readonly version: string; readonly cluster: string | undefined };
  readonly roundTripMs: number;
  /** How far the clock of NATS is ahead of ours; right to half of the round trip. */
  readonly clockAheadMs: number;
  /** What JetStream has taken of the disk, and may take at most (-1: no limit). */
  readonly storage: { readonly usedBytes: number; readonly mostBytes: number };
  readonly streams: readonly StreamInspection[];
}

interface Found {
  readonly ts?: string;
  readonly config: Record<string, unknown> & {
    max_bytes?: number;
    max_age?: number;
    discard?: 'old' | 'new';
  };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly num_subjects?: number;
    readonly consumer_count: number;
  };
}

interface Account {
  readonly storage: number;
  readonly limits: { readonly max_storage: number };
}

/** Rejects with `bus.unavailable` when NATS is away. */
export async function inspect(lane: Lane, config: BusConfig): Promise<Inspection> {
  const { nc } = lane;
  const call = async <T>(subject: string) => {
    if (!lane.up) throw new TriviumError('bus.unavailable');
    return api<T>(nc, subject).catch((cause: unknown) => {
      throw new TriviumError('bus.unavailable', subject, { cause });
    });
  };
  const account = await call<Account>('INFO');
  if (account.error !== undefined) throw new TriviumError('bus.refused', account.error.description);
  const streams: StreamInspection[] = [];
  let [roundTripMs, clockAheadMs] = [Infinity, 0];
  for (const wanted of wantedStreams(config)) {
    const asked = performance.now();
    const found = await call<Found>(`STREAM.INFO.${wanted.name}`);
    const took = performance.now() - asked;
    streams.push(found.error === undefined ? asFound(wanted, found) : missing(wanted.name));
    // The quickest answer tells the time best.
    if (found.ts === undefined || took >= roundTripMs) continue;
    roundTripMs = took;
    clockAheadMs = Date.parse(found.ts) + took / 2 - Date.now();
  }
  const { server_name: name = '', version = '', cluster } = nc.info ?? {};
  return {
    server: { name, version, cluster },
    roundTripMs,
    clockAheadMs,
    storage: { usedBytes: account.storage, mostBytes: account.limits.max_storage },
    streams,
  };
}

function asFound(
  wanted: Record<string, unknown> & { name: string },
  { config, state }: Found,
): StreamInspection {
  return {
    name: wanted.name,
    there: true,
    differs: differences(wanted, config),
    messages: state.messages,
    bytes: state.bytes,
    first: state.first_seq,
    last: state.last_seq,
    subjects: state.num_subjects ?? 0,
    consumers: state.consumer_count,
    maxBytes: config.max_bytes ?? -1,
    maxAgeMs: (config.max_age ?? 0) / 1e6,
    discards: config.discard ?? 'old',
  };
}

function missing(name: string): StreamInspection {
  const nothing = { messages: 0, bytes: 0, first: 0, last: 0, subjects: 0, consumers: 0 };
  return { name, there: false, differs: [], ...nothing, maxBytes: -1, maxAgeMs: 0, discards: 'old' };
}
