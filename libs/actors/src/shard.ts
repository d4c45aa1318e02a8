import type { HostedActor } from './actor.ts';
import type { Cell } from './cell.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Feed } from './log-reader.ts';
import { createWatermark, type Watermark } from './watermark.ts';

/** One partition of one kind of actor while this process holds it: its actors in memory, and how far its log is worked through. */
export interface Shard {
  readonly kind: HostedActor;
  readonly partition: number;
  readonly cells: Map<string, Cell>;
  readonly watermark: Watermark;
  /** The reader that it is bound to; others' messages are not for it. */
  feed: Feed | undefined;
  /** Positions up to this one are done, or were offered by an earlier feed. */
  after: number;
  /** As stored. Written once when the shard opens: snapshots of earlier owners have revisions below that write's. */
  checkpoint: Checkpoint;
  /** The last write of it; resolves, never rejects. */
  checkpointing: Promise<void>;
  /** Revision of that first write. */
  readonly fence: number;
  /** Where the log ended when the shard opened. An earlier owner's snapshot beyond it includes what NATS lost in a power cut. */
  readonly end: number;
  /** `closing`: takes nothing more and finishes what was stepped; `gone`: does nothing any more. */
  phase: 'open' | 'closing' | 'gone';
  /** Envelopes taken and not yet finished or dropped. */
  inHand: number;
  /** Called when it is closing and nothing is in hand. */
  onQuiet: (() => void) | undefined;
}

export function createShard(
  kind: HostedActor,
  partition: number,
  checkpoint: Checkpoint,
  end: number,
): Shard {
  return {
    kind,
    partition,
    cells: new Map(),
    watermark: createWatermark(),
    feed: undefined,
    after: checkpoint.pos,
    checkpoint,
    checkpointing: Promise.resolve(),
    fence: checkpoint.revision,
    end,
    phase: 'open',
    inHand: 0,
    onQuiet: undefined,
  };
}

/** The position up to which every snapshot of the shard is stored. */
export function writtenUpTo(shard: Shard): number {
  return shard.watermark.low(Math.max(shard.after, shard.feed?.pos ?? 0));
}
