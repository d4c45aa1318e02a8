import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Inspection, StreamInspection } from '@trivium/bus';
import { bytesText, countText, percentText } from '../amount.ts';
import { fail, ok, some, warn, type Finding } from '../finding.ts';

const CLOCK_WARN_MS = 1_000;
const CLOCK_FAIL_MS = 30_000;
const MOST_SUBJECTS = 1_000_000;
const DAY_MS = 86_400_000;

/** `place`: how it was reached. */
export function checkNats({ server, ...seen }: Inspection, place: string, dataDir: string): Finding[] {
  const cluster = server.cluster === undefined ? '' : `, cluster ${server.cluster}`;
  return [
    ok('nats', `${server.version}${cluster} at ${place}; it can carry the hub`),
    clock(seen),
    ...storage(seen.storage),
    ...disk(dataDir),
    ...streams(seen.streams),
    ...log(seen.streams.find(({ name }) => name === 'MESSAGES')),
    deadLetters(seen.streams.find(({ name }) => name === 'DEADLETTER')),
  ];
}

function clock({ clockAheadMs, roundTripMs }: Pick<Inspection, 'clockAheadMs' | 'roundTripMs'>): Finding {
  const apart = Math.max(0, Math.abs(clockAheadMs) - roundTripMs / 2);
  const text = `the clock of NATS is ${Math.round(Math.abs(clockAheadMs))} ms ${clockAheadMs < 0 ? 'behind' : 'ahead of'} ours`;
  if (apart < CLOCK_WARN_MS) return ok('clock', text);
  const means = `${text}: what expires, does so too early or too late`;
  const todo = 'let both machines keep the time by NTP';
  return apart < CLOCK_FAIL_MS ? warn('clock', means, todo) : fail('clock', means, todo);
}

function storage({ usedBytes, mostBytes }: Inspection['storage']): Finding[] {
  const text = `JetStream has ${bytesText(usedBytes)}`;
  if (mostBytes <= 0) return [ok('storage', `${text}, without a limit but the disk`)];
  const part = usedBytes / mostBytes;
  const of = `${text} of ${bytesText(mostBytes)} (${percentText(part)})`;
  const todo = 'a larger max_file_store of NATS, or less retention (retention.maxBytes, retention.maxAgeMs)';
  if (part >= 0.95) return [fail('storage', `${of}: soon nothing more is stored`, todo)];
  return [part >= 0.8 ? warn('storage', of, todo) : ok('storage', of)];
}

/** Of the hub on this machine, when its NATS is here. */
function disk(dataDir: string): Finding[] {
  try {
    const { bavail, blocks, bsize } = statfsSync(join(dataDir, 'nats'));
    const free = bavail / blocks;
    const text = `${bytesText(bavail * bsize)} of the disk under ${dataDir} are free (${percentText(free)})`;
    const todo = 'make room, or keep less: retention.maxBytes';
    if (free < 0.03) return [fail('disk', `${text}: NATS stops storing when there is none`, todo)];
    return [free < 0.1 ? warn('disk', text, todo) : ok('disk', text)];
  } catch {
    return [];
  }
}

function streams(all: readonly StreamInspection[]): Finding[] {
  const missing = all.filter(({ there }) => !there).map(({ name }) => name);
  const other = all.filter(({ differs }) => differs.length > 0);
  return [
    ...(missing.length === 0
      ? []
      : [fail('streams', `missing: ${some(missing)}`, 'start a service: it makes what is missing')]),
    ...other.map(({ name, differs }) =>
      warn(
        'streams',
        `${name} has ${differs.join(', ')} other than the settings here`,
        'a router brings it to its own settings when it starts; are these the ones that it has?',
      ),
    ),
    ...(missing.length + other.length === 0
      ? [ok('streams', `all ${all.length} streams and buckets are there, as the settings want them`)]
      : []),
  ];
}

function log(messages: StreamInspection | undefined): Finding[] {
  if (messages === undefined || !messages.there) return [];
  return [retention(messages), subjects(messages)];
}

function retention({ messages, bytes, maxBytes, maxAgeMs, discards }: StreamInspection): Finding {
  const about = 'retention';
  const age = maxAgeMs === 0 ? 'for ever' : `for ${Math.round((maxAgeMs / DAY_MS) * 10) / 10} days`;
  const text = `the log has ${countText(messages)} messages, ${bytesText(bytes)}; they are kept ${age}`;
  if (maxBytes <= 0) return ok(about, `${text}, whatever they take`);
  const part = bytes / maxBytes;
  const of = `${text}, up to ${bytesText(maxBytes)} (${percentText(part)} taken)`;
  if (discards === 'old') return ok(about, `${of}; then the oldest go`);
  const todo = 'a larger retention.maxBytes, or a shorter retention.maxAgeMs';
  if (part >= 0.98) return fail(about, `${of}: publishers are refused (retention.full)`, todo);
  return part >= 0.8 ? warn(about, `${of}; then publishers are refused`, todo) : ok(about, of);
}

function subjects({ subjects: count }: StreamInspection): Finding {
  const text = `the log has ${countText(count)} subjects (topics of a publisher each)`;
  if (count < MOST_SUBJECTS * 0.8) return ok('subjects', text);
  const means = `${text}: each costs NATS up to a kilobyte of memory`;
  const todo =
    'publish to fewer topics (no ids or times in topic names), or keep messages for a shorter time';
  return count < MOST_SUBJECTS ? warn('subjects', means, todo) : fail('subjects', means, todo);
}

function deadLetters(stream: StreamInspection | undefined): Finding {
  const about = 'dead letters';
  const count = stream?.messages ?? 0;
  if (count === 0) return ok(about, 'none');
  return warn(
    about,
    `${countText(count)} messages that broke a contract, or that an actor could not handle`,
    'look at them (nats stream view DEADLETTER); they go by themselves after 30 days',
  );
}
