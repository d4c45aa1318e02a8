import type { Logger } from '@trivium/bus';
import type { Refusal } from '@trivium/contracts';
import type { Reply } from './actor.ts';
import type { ActorStats } from './actor-stats.ts';
import type { Batch, Cell } from './cell.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Envelope } from './envelope.ts';
import type { Shard } from './shard.ts';

/** The ways in which a message leaves an actor; each envelope takes one of them, once. */
export interface CellExits {
  /** Done with: the log need not be read again for it. */
  settle(shard: Shard, envelope: Envelope): void;
  /** Not done: the next owner of the partition reads it again. */
  abandon(shard: Shard, envelope: Envelope): void;
  /** What was stepped is stored (or there was nothing to store): effects leave, envelopes are settled. */
  release(cell: Cell, batch: Batch): void;
  /** Becomes a dead letter, then settled. */
  bury(shard: Shard, id: string, envelope: Envelope, refusal: Refusal): void;
}

export interface CellExitsOptions {
  logger: Logger;
  stats: ActorStats;
  deadLetters: DeadLetters;
  /** Messages in memory have become fewer. */
  onEased(): void;
}

export function createCellExits({ logger, stats, deadLetters, onEased }: CellExitsOptions): CellExits {
  const left = (shard: Shard): void => {
    shard.inHand--;
    stats.pending--;
    if (shard.inHand === 0) shard.onQuiet?.();
    onEased();
  };

  const settle = (shard: Shard, envelope: Envelope): void => {
    if (envelope.pos > 0) shard.watermark.settle(envelope.pos);
    envelope.asker?.refuse('defect'); // has no effect when it was answered, as it should have been
    left(shard);
  };

  const perform = async (cell: Cell, effect: unknown, from: Envelope): Promise<void> => {
    stats.effects++;
    const { kind } = cell.shard;
    try {
      await kind.perform(effect, { id: cell.id, pos: from.pos });
    } catch (err) {
      stats.effectsFailed++;
      logger.error({ actor: kind.name, id: cell.id, pos: from.pos, err }, 'an effect failed');
    }
  };

  return {
    settle,
    abandon(shard, envelope) {
      envelope.asker?.refuse('bus.unavailable');
      left(shard);
    },
    release(cell, batch) {
      for (const { effect, from } of batch.effects) {
        if (isReply(effect)) from.asker?.answer(effect.value);
        else void perform(cell, effect, from);
      }
      for (const envelope of batch.envelopes) settle(cell.shard, envelope);
    },
    bury(shard, id, envelope, { code, message }) {
      const { name, log } = shard.kind;
      const { pos, subject } = envelope;
      envelope.asker?.refuse(code);
      void deadLetters.bury({ actor: name, id, log, pos, subject, code, message }).then(() => {
        stats.poisoned++;
        settle(shard, envelope);
      });
    },
  };
}

function isReply(effect: unknown): effect is Reply {
  return (effect as { type?: unknown }).type === 'reply';
}
