import { randomFrom } from '@trivium/testing';
import { healthyPair } from '../healthy-pair.ts';
import type { Random } from '../random.ts';
import type { Site } from '../site.ts';
import type { Encounter, FuzzedDoor } from './door.ts';
import type { Fate } from './line.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Mutated packets for each door. */
  readonly count: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export interface FuzzResult {
  readonly door: string;
  readonly sent: number;
  readonly fates: Readonly<Record<Fate, number>>;
  /** Resident memory of the door's process, MiB: when a tenth, half and all had been sent. */
  readonly rssMiB: readonly (number | undefined)[];
  /** Why it did not pass. */
  readonly problem: string | undefined;
}

/** Connections at once. */
const LANES = 32;
const BATCH = 10_000;
/** What a process may grow in the second half: caches fill, and the garbage collector takes its time. */
const MAY_GROW_BY = 1.25;
const MAY_GROW_MIB = 48;
const SETTLE_MS = 2_000;

/** Sends `count` mutated packets to the door, in batches; after each one the process must be well and serve others. */
export async function fuzz(site: Site, door: FuzzedDoor, options: FuzzOptions): Promise<FuzzResult> {
  const { seed, count, signal, progress } = options;
  const fates = { answered: 0, closed: 0, silent: 0 };
  const rssMiB: (number | undefined)[] = [];
  let sent = 0;
  let problem: string | undefined;
  const marks = [count / 10, count / 2];
  for (let batch = 0; sent < count && problem === undefined && !signal.aborted; batch++) {
    const size = Math.min(BATCH, count - sent);
    const share = (lane: number): number => Math.floor(size / LANES) + (lane < size % LANES ? 1 : 0);
    await Promise.all(
      Array.from({ length: LANES }, (_, lane) =>
        runLane(door, share(lane), randomFrom(Math.imul(seed + batch, 0x9e3779b1) + lane), fates),
      ),
    ).catch((cause: unknown) => (problem = `batch ${batch}: ${String(cause)}`));
    sent += size;
    problem ??= site.problemOf(door.service) ?? (await unservedBy(site));
    if (sent >= (marks[0] ?? Infinity)) {
      marks.shift();
      rssMiB.push(site.rssOf(door.service));
    }
    progress(
      `${door.name}: ${sent} of ${count} (batch ${batch}), ${describe(fates)}, ${rss(site, door)} MiB`,
    );
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  rssMiB.push(site.rssOf(door.service));
  problem ??= site.problemOf(door.service) ?? grown(rssMiB.at(-2), rssMiB.at(-1));
  return { door: door.name, sent, fates, rssMiB, problem };
}

async function runLane(
  door: FuzzedDoor,
  count: number,
  random: Random,
  fates: Record<Fate, number>,
): Promise<void> {
  let encounter: Encounter | undefined;
  for (let n = 0; n < count; n++) {
    if (encounter?.open !== true) encounter = await door.open(random);
    // It may be closed by what the door made of the packet before.
    if (!encounter.open) encounter = await door.open(random);
    fates[await encounter.send(random)]++;
  }
  encounter?.drop();
}

async function unservedBy({ host, ports }: Site): Promise<string | undefined> {
  await using pair = await healthyPair(host, ports.mqtt, 'siege-check/pair');
  const { sent, received } = await pair.measure(100, 100);
  return sent === received
    ? undefined
    : `of ${sent} messages between clients that did nothing wrong ${received} arrived`;
}

function grown(before: number | undefined, after: number | undefined): string | undefined {
  if (before === undefined || after === undefined) return undefined;
  if (after <= before * MAY_GROW_BY + MAY_GROW_MIB) return undefined;
  return `its memory grew from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`;
}

const describe = ({ answered, closed, silent }: Record<Fate, number>): string =>
  `${answered} answered, ${closed} ended the connection, ${silent} waited for more`;
const rss = (site: Site, door: FuzzedDoor): string => site.rssOf(door.service)?.toFixed(0) ?? '?';
