import type { Bus, Entry, Logger } from '@trivium/bus';
import type { ActorStats } from './actor-stats.ts';
import { backoffMs } from './backoff.ts';
import type { Cell } from './cell.ts';
import type { CellExits } from './cell-exits.ts';
import type { Clock } from './clock.ts';
import { equalBytes } from './equal-bytes.ts';
import { createGate } from './gate.ts';
import type { Limits } from './limits.ts';

/** Reads snapshots: at an actor's first message, and again when what is stored is not known for certain. */
export interface CellLoads {
  load(cell: Cell): Promise<void>;
  /** After a write that was refused: is the partition still ours, and what is stored? */
  recover(cell: Cell): Promise<void>;
  /** The same in a while, after a failure of the bus. */
  recoverLater(cell: Cell): void;
}

export interface CellLoadsOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  stats: ActorStats;
  limits: Limits;
  exits: CellExits;
  /** By the bucket; when the answer is no, the partition's actors have been dropped. */
  confirm(partition: number): Promise<boolean>;
  drain(cell: Cell): void;
  forget(cell: Cell): void;
}

export function createCellLoads(options: CellLoadsOptions): CellLoads {
  const { bus, clock, logger, stats, limits, exits } = options;
  const gate = createGate(limits.maxWrites);

  const load = async (cell: Cell): Promise<void> => {
    const { kind } = cell.shard;
    stats.snapshotReads++;
    let entry: Entry | undefined;
    try {
      entry = await gate.run(() => bus.bucket(kind.bucket).get(cell.key));
    } catch (err) {
      logger.debug({ actor: kind.name, id: cell.id, err }, 'a snapshot could not be read, trying again');
      recoverLater(cell);
      return;
    }
    if (!isGone(cell)) take(cell, entry);
  };

  const take = (cell: Cell, entry: Entry | undefined): void => {
    const { kind, fence, end } = cell.shard;
    const read = entry === undefined ? undefined : kind.read(entry.value);
    if (read?.ok === false) {
      unreadable(cell, read.error.message);
      return;
    }
    const state = read?.value ?? kind.initial(cell.id);
    const revision = entry?.revision ?? 0;
    const { writing, stepped } = cell;
    // Our own write, whose answer was lost, has been stored.
    const landed = writing !== undefined && revision > cell.revision && sameAsSent(cell, entry);
    // Written by an earlier owner, beyond the end of the log: those positions went with NATS' last second, and come again.
    const beyond = revision > 0 && revision < fence && state.pos > end;
    cell.state = beyond ? { ...state, pos: end } : state;
    cell.revision = revision;
    cell.failures = 0;
    cell.writing = undefined;
    cell.stepped = undefined;
    cell.sent = undefined;
    cell.phase = 'ready';
    const again = [...(landed ? [] : (writing?.envelopes ?? [])), ...(stepped?.envelopes ?? [])];
    if (again.length > 0) cell.mailbox = [...again, ...cell.mailbox];
    if (landed) exits.release(cell, writing);
    options.drain(cell);
  };

  const recoverLater = (cell: Cell): void => {
    cell.failures++;
    const wait = backoffMs(cell.failures, limits.firstRetryMs, limits.lastRetryMs);
    clock.after(wait, () => {
      if (!isGone(cell)) void recover(cell);
    });
  };

  const recover = async (cell: Cell): Promise<void> => {
    try {
      if (!(await options.confirm(cell.shard.partition)) || isGone(cell)) return;
    } catch {
      recoverLater(cell);
      return;
    }
    await load(cell);
  };

  /** Going on from an empty state would overwrite what is there: its messages wait among the dead letters for somebody to look. */
  const unreadable = (cell: Cell, why: string): void => {
    const { shard, id } = cell;
    const message = `its snapshot cannot be read: ${why}`;
    const waiting = [...(cell.writing?.envelopes ?? []), ...(cell.stepped?.envelopes ?? []), ...cell.mailbox];
    options.forget(cell);
    for (const envelope of waiting) exits.bury(shard, id, envelope, { code: 'defect', message });
  };

  return { load, recover, recoverLater };
}

function isGone(cell: Cell): boolean {
  return cell.phase === 'gone';
}

function sameAsSent(cell: Cell, entry: Entry | undefined): boolean {
  return entry !== undefined && cell.sent !== undefined && equalBytes(entry.value, cell.sent);
}
