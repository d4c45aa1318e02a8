import type { Bus, Logger } from '@trivium/bus';
import type { HostedActor } from './actor.ts';
import { backoffMs } from './backoff.ts';
import type { Cells } from './cells.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoints.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import type { LogReader } from './log-reader.ts';
import { createShard, type Shard, writtenUpTo } from './shard.ts';

export interface ShardsOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  limits: Limits;
  kinds: readonly HostedActor[];
  cells: Cells;
  readerOf(kind: HostedActor): LogReader;
  holds(partition: number): boolean;
  confirm(partition: number): Promise<boolean>;
  /** All kinds of these partitions have been offered everything that was stored when they were opened. */
  onCurrent(partitions: readonly number[]): void;
}

/** The partitions held, for each kind of actor: opened at their checkpoints, written down again and again, closed at a hand-over. */
export interface Shards {
  /** Open, or closing. */
  find(kind: HostedActor, partition: number): Shard | undefined;
  /** Begins the work on partitions just gained. */
  open(partitions: readonly number[]): void;
  /** Everything again from the checkpoints on. */
  reopen(): void;
  /** Stops at once. */
  drop(partition: number): void;
  /** Stops with everything stored; never rejects. */
  handOver(partition: number): Promise<void>;
  close(): void;
}

export function createShards(options: ShardsOptions): Shards {
  const { bus, clock, logger, limits, kinds, cells, readerOf } = options;
  const tables = new Map<HostedActor, Map<number, Shard>>(
    kinds.map((kind) => [kind, new Map<number, Shard>()]),
  );
  /** Counts the openings and closings of a partition: what began before the last one is out of date. */
  const turns = new Map<number, number>();
  const held = new Set<number>();
  let closed = false;

  const tableOf = (kind: HostedActor): Map<number, Shard> => tables.get(kind)!;
  const turnOf = (partition: number): number => turns.get(partition) ?? 0;
  const nextTurn = (partition: number): void => void turns.set(partition, turnOf(partition) + 1);

  const openKind = async (kind: HostedActor, partitions: readonly number[]): Promise<void> => {
    const wanted = new Map(partitions.map((partition) => [partition, turnOf(partition)]));
    const still = (): number[] =>
      [...wanted]
        .filter(([partition, turn]) => turn === turnOf(partition) && !closed)
        .map(([partition]) => partition);
    for (let attempt = 1; ; attempt++) {
      try {
        const shards = await readShards(kind, still());
        const current = new Set(still());
        const opened = shards.filter((shard) => current.has(shard.partition));
        for (const shard of opened) tableOf(kind).set(shard.partition, shard);
        readerOf(kind).add(opened);
        return await readerOf(kind).caughtUp(opened);
      } catch (err) {
        logger.warn({ actor: kind.name, err }, 'partitions could not be opened, trying again');
        const wait = backoffMs(attempt, limits.firstRetryMs, limits.lastRetryMs);
        await new Promise<void>((resolve) => clock.after(wait, resolve));
        for (const partition of still()) await options.confirm(partition).catch(() => undefined);
        if (still().length === 0) return;
      }
    }
  };

  const readShards = async (kind: HostedActor, partitions: readonly number[]): Promise<Shard[]> => {
    const end = await bus.lastPos(kind.log);
    return Promise.all(
      partitions.map(async (partition) => {
        const stored = await readCheckpoint(bus, kind, partition);
        const checkpoint = { pos: Math.min(stored.pos, end), revision: stored.revision };
        const revision = await writeCheckpoint(bus, kind, partition, checkpoint);
        if (revision === undefined)
          throw new Error(`another router writes the checkpoint of partition ${partition}`);
        return createShard(kind, partition, { pos: checkpoint.pos, revision }, end);
      }),
    );
  };

  const checkpoint = async (shard: Shard): Promise<void> => {
    const pos = writtenUpTo(shard);
    if (pos <= shard.checkpoint.pos || !options.holds(shard.partition)) return;
    const { revision } = shard.checkpoint;
    const written = await writeCheckpoint(bus, shard.kind, shard.partition, { pos, revision });
    if (written !== undefined) shard.checkpoint = { pos, revision: written };
    else if (shard.phase === 'open') await options.confirm(shard.partition);
  };

  /** One write of a shard's checkpoint at a time. A failure costs its successor some reading, nothing more. */
  const keepCheckpoint = (shard: Shard): Promise<void> => {
    shard.checkpointing = shard.checkpointing
      .then(() => checkpoint(shard))
      .catch((err: unknown) =>
        logger.debug({ partition: shard.partition, err }, 'a checkpoint could not be written'),
      );
    return shard.checkpointing;
  };

  const everyShard = (): Shard[] => [...tables.values()].flatMap((table) => [...table.values()]);

  const tick = (): void => {
    if (bus.up) for (const shard of everyShard()) if (shard.phase === 'open') void keepCheckpoint(shard);
    cancelTick = clock.after(limits.checkpointMs, tick);
  };
  let cancelTick = clock.after(limits.checkpointMs, tick);

  const end = (shard: Shard): void => {
    readerOf(shard.kind).remove(shard);
    cells.drop(shard);
    const table = tableOf(shard.kind);
    if (table.get(shard.partition) === shard) table.delete(shard.partition);
  };

  const shardsOf = (partition: number): Shard[] =>
    kinds.map((kind) => tableOf(kind).get(partition)).filter((shard) => shard !== undefined);

  const stop = (partition: number): void => {
    nextTurn(partition);
    for (const shard of shardsOf(partition)) end(shard);
  };

  const open = (partitions: readonly number[]): void => {
    for (const partition of partitions) {
      held.add(partition);
      stop(partition);
    }
    const opened = new Map(partitions.map((partition) => [partition, turnOf(partition)]));
    void Promise.all(kinds.map((kind) => openKind(kind, partitions))).then(() => {
      const current = partitions.filter((partition) => opened.get(partition) === turnOf(partition));
      if (current.length > 0 && !closed) options.onCurrent(current);
    });
  };

  return {
    find: (kind, partition) => tableOf(kind).get(partition),
    open,
    reopen: () => open([...held]),
    drop(partition) {
      held.delete(partition);
      stop(partition);
    },
    async handOver(partition) {
      held.delete(partition);
      nextTurn(partition);
      const finishing = shardsOf(partition).map(async (shard) => {
        readerOf(shard.kind).remove(shard);
        await cells.finish(shard, limits.handOverMs);
        await keepCheckpoint(shard);
        end(shard);
      });
      await Promise.all(finishing);
    },
    close() {
      closed = true;
      cancelTick();
      for (const shard of everyShard()) end(shard);
    },
  };
}
