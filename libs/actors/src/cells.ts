import type { Bus, Logger } from '@trivium/bus';
import type { Refusal } from '@trivium/contracts';
import type { ActorStats } from './actor-stats.ts';
import { type Cell, createCell, isIdle } from './cell.ts';
import { createCellExits } from './cell-exits.ts';
import { createCellLoads } from './cell-loads.ts';
import { createCellSteps } from './cell-steps.ts';
import { createCellWrites } from './cell-writes.ts';
import type { Clock } from './clock.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Envelope } from './envelope.ts';
import type { Limits } from './limits.ts';
import type { Shard } from './shard.ts';

export interface CellsOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  stats: ActorStats;
  limits: Limits;
  deadLetters: DeadLetters;
  /** By the local clock: no write is begun otherwise. */
  holds(partition: number): boolean;
  /** By the bucket; when the answer is no, `drop` has been called for the partition's shards. Rejects when the bus does not answer. */
  confirm(partition: number): Promise<boolean>;
  /** Messages in memory have become fewer. */
  onEased(): void;
}

/**
 * The actors in memory. A snapshot is read when the first message comes; messages are stepped one at a time; what was stepped while a
 * write is on its way is folded into the next one; effects leave when the write that includes them is acknowledged.
 */
export interface Cells {
  take(shard: Shard, id: string, envelope: Envelope): void;
  /** For a message that cannot even be decoded: it becomes a dead letter. */
  reject(shard: Shard, id: string, envelope: Envelope, refusal: Refusal): void;
  /** Takes nothing more, drops what is not stepped, resolves when all that is stepped is stored (or after `withinMs`). */
  finish(shard: Shard, withinMs: number): Promise<void>;
  /** Forgets all actors of the shard at once. A write on its way may still be stored; its effects then leave. */
  drop(shard: Shard): void;
  /** Actors in memory. */
  readonly size: number;
}

/** Actors looked at, from the least recently used one on, to find an idle one to put away. */
const LOOK_AT_MOST = 8;

export function createCells(options: CellsOptions): Cells {
  const { bus, clock, logger, stats, limits, deadLetters, holds, confirm, onEased } = options;
  const recent = new Set<Cell>(); // least recently used first

  const forget = (cell: Cell): void => {
    cell.phase = 'gone';
    cell.shard.cells.delete(cell.id);
    recent.delete(cell);
  };

  const exits = createCellExits({ logger, stats, deadLetters, onEased });
  const steps = createCellSteps({
    clock,
    logger,
    stats,
    limits,
    deadLetters,
    onSkipped: (cell, envelope) => exits.settle(cell.shard, envelope),
    onStepped(cell) {
      if (cell.stepped === undefined || cell.writing !== undefined) return;
      if (cell.stepped.changed) {
        writes.queue(cell);
        return;
      }
      const batch = cell.stepped;
      cell.stepped = undefined;
      exits.release(cell, batch);
    },
  });
  const { drain } = steps;
  const loads = createCellLoads({ bus, clock, logger, stats, limits, exits, confirm, drain, forget });
  const writes = createCellWrites({ bus, logger, stats, limits, exits, loads, holds, onStored: drain });

  const putAway = (): void => {
    let looked = 0;
    for (const cell of recent) {
      if (recent.size <= limits.maxActors || ++looked > LOOK_AT_MOST) return;
      if (!isIdle(cell)) continue;
      stats.putAway++;
      forget(cell);
    }
  };

  const admit = (shard: Shard, envelope: Envelope): void => {
    shard.inHand++;
    stats.pending++;
    if (envelope.pos > 0) shard.watermark.begin(envelope.pos);
  };

  const find = (shard: Shard, id: string): Cell => {
    const known = shard.cells.get(id);
    if (known !== undefined) {
      recent.delete(known);
      recent.add(known);
      return known;
    }
    const cell = createCell(shard, id);
    shard.cells.set(id, cell);
    recent.add(cell);
    putAway();
    void loads.load(cell);
    return cell;
  };

  return {
    take(shard, id, envelope) {
      admit(shard, envelope);
      const cell = find(shard, id);
      cell.mailbox.push(envelope);
      if (cell.phase === 'ready') drain(cell);
    },
    reject(shard, id, envelope, refusal) {
      admit(shard, envelope);
      exits.bury(shard, id, envelope, refusal);
    },
    async finish(shard, withinMs) {
      shard.phase = 'closing';
      for (const cell of shard.cells.values()) {
        const waiting = cell.mailbox;
        cell.mailbox = [];
        for (const envelope of waiting) exits.abandon(shard, envelope);
      }
      if (shard.inHand === 0) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(withinMs, resolve);
        shard.onQuiet = () => {
          cancel();
          resolve();
        };
      });
    },
    drop(shard) {
      shard.phase = 'gone';
      for (const cell of [...shard.cells.values()]) {
        forget(cell);
        const done = [cell.stepped, cell.inFlight ? undefined : cell.writing];
        const left = [...done.flatMap((batch) => batch?.envelopes ?? []), ...cell.mailbox];
        cell.mailbox = [];
        for (const envelope of left) exits.abandon(shard, envelope);
      }
    },
    get size() {
      return recent.size;
    },
  };
}
