import type { Bus } from '@trivium/bus';
import type { HostedActor } from './actor.ts';

/** How far the log was worked through for one partition of one kind of actor: all snapshots up to `pos` are stored. */
export interface Checkpoint {
  pos: number;
  /** 0: there is none yet. */
  revision: number;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

function checkpointKey(kind: HostedActor, partition: number): string {
  return `checkpoint.${kind.name}.${partition}`;
}

/** What cannot be read counts as none: the log is then read from its beginning, and snapshots skip what they include. */
export async function readCheckpoint(bus: Bus, kind: HostedActor, partition: number): Promise<Checkpoint> {
  const entry = await bus.bucket(kind.bucket).get(checkpointKey(kind, partition));
  if (entry === undefined) return { pos: 0, revision: 0 };
  return { pos: parse(entry.value), revision: entry.revision };
}

/** Compare-and-set by `revision`. The new revision, or undefined when another router has written: this one is a stale owner. */
export function writeCheckpoint(
  bus: Bus,
  kind: HostedActor,
  partition: number,
  { pos, revision }: Checkpoint,
): Promise<number | undefined> {
  const bytes = utf8.encode(JSON.stringify({ v: 1, pos }));
  return bus.bucket(kind.bucket).put(checkpointKey(kind, partition), bytes, { expect: revision });
}

function parse(bytes: Uint8Array): number {
  try {
    const { pos } = JSON.parse(text.decode(bytes)) as { pos?: unknown };
    return typeof pos === 'number' && Number.isSafeInteger(pos) && pos >= 0 ? pos : 0;
  } catch {
    return 0;
  }
}
