import type { Bus, Logger } from '@trivium/bus';
import type { ActorStats } from './actor-stats.ts';
import type { Batch, Cell } from './cell.ts';
import type { CellExits } from './cell-exits.ts';
import type { CellLoads } from './cell-loads.ts';
import type { Limits } from './limits.ts';

/** Writes snapshots: many actors at a time, one write of an actor at a time, what is stepped meanwhile folded into its next one. */
export interface CellWrites {
  /** The cell has something stepped that is to be stored. */
  queue(cell: Cell): void;
}

export interface CellWritesOptions {
  bus: Bus;
  logger: Logger;
  stats: ActorStats;
  limits: Limits;
  exits: CellExits;
  loads: CellLoads;
  /** By the local clock: no write is begun otherwise. */
  holds(partition: number): boolean;
  /** The write is stored and its effects have left; there may be more to store. */
  onStored(cell: Cell): void;
}

export function createCellWrites(options: CellWritesOptions): CellWrites {
  const { bus, logger, stats, limits, exits, loads, holds } = options;
  let queued: Cell[] = [];
  let inFlight = 0;
  let scheduled = false;

  const flush = (): void => {
    let next = 0;
    while (next < queued.length && inFlight < limits.maxWrites) {
      const cell = queued[next++]!;
      cell.queued = false;
      if (mayWrite(cell)) void write(cell, cell.stepped!);
    }
    if (next > 0) queued = queued.slice(next);
  };

  /** Without the lease nothing is written, and in a moment the placement drops the actor. */
  const mayWrite = (cell: Cell): boolean =>
    (cell.phase === 'ready' || cell.phase === 'resting') &&
    cell.stepped !== undefined &&
    cell.writing === undefined &&
    holds(cell.shard.partition);

  const write = async (cell: Cell, batch: Batch): Promise<void> => {
    const { kind } = cell.shard;
    cell.writing = batch;
    cell.stepped = undefined;
    cell.sent = cell.encoded!;
    cell.inFlight = true;
    inFlight++;
    stats.snapshotWrites++;
    let revision: number | undefined;
    let known = true;
    try {
      revision = await bus.bucket(kind.bucket).put(cell.key, cell.sent, { expect: cell.revision });
    } catch (err) {
      known = false;
      logger.warn({ actor: kind.name, id: cell.id, err }, 'whether a snapshot was stored is not known');
    }
    cell.inFlight = false;
    inFlight--;
    if (revision !== undefined) stored(cell, batch, revision);
    else if (known) refused(cell, batch);
    else unknown(cell, batch);
    flush();
  };

  /** An acknowledged write was the owner's, even when the lease has ended meanwhile: its effects leave. */
  const stored = (cell: Cell, batch: Batch, revision: number): void => {
    cell.revision = revision;
    cell.writing = undefined;
    cell.failures = 0;
    exits.release(cell, batch);
    if (cell.phase !== 'gone') options.onStored(cell);
  };

  const refused = (cell: Cell, batch: Batch): void => {
    stats.snapshotRefused++;
    if (cell.phase === 'gone') abandonAll(cell, batch);
    else {
      cell.phase = 'loading';
      void loads.recover(cell);
    }
  };

  const unknown = (cell: Cell, batch: Batch): void => {
    stats.snapshotUnknown++;
    if (cell.phase === 'gone') abandonAll(cell, batch);
    else {
      cell.phase = 'loading';
      loads.recoverLater(cell);
    }
  };

  const abandonAll = (cell: Cell, batch: Batch): void => {
    for (const envelope of batch.envelopes) exits.abandon(cell.shard, envelope);
  };

  return {
    queue(cell) {
      if (cell.queued) return;
      cell.queued = true;
      queued.push(cell);
      if (scheduled) return;
      scheduled = true;
      // After all messages that came in this chunk: a burst for one actor becomes one write.
      queueMicrotask(() => {
        scheduled = false;
        flush();
      });
    },
  };
}
