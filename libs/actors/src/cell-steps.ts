import type { Logger } from '@trivium/bus';
import type { ActorStats } from './actor-stats.ts';
import { backoffMs } from './backoff.ts';
import type { Batch, Cell } from './cell.ts';
import type { Clock } from './clock.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Envelope } from './envelope.ts';
import type { Limits } from './limits.ts';

export interface StepOptions {
  clock: Clock;
  logger: Logger;
  stats: ActorStats;
  deadLetters: DeadLetters;
  limits: Limits;
  /** The snapshot includes it already. */
  onSkipped(cell: Cell, envelope: Envelope): void;
  /** Everything in the mailbox was stepped, or the first message in it did not let itself be. */
  onStepped(cell: Cell): void;
}

/** The mailbox of an actor worked through: one message after the other, each once, into the batch to be stored next. */
export interface CellSteps {
  drain(cell: Cell): void;
}

export function createCellSteps(options: StepOptions): CellSteps {
  const { clock, logger, stats, limits, deadLetters } = options;

  /** The state after `envelope`, checked and encoded, is in the cell. Throws what the step throws, and when the state is not valid. */
  const step = (cell: Cell, envelope: Envelope): void => {
    const { kind } = cell.shard;
    const before = cell.state!;
    const { pos } = envelope;
    const context = { id: cell.id, pos, nowMs: clock.wallMs() };
    const { state, effects } = envelope.buried
      ? { state: { ...before }, effects: [] }
      : kind.step(before, envelope.message, context);
    // An effect of the log's must not come twice, so the position counts as a change.
    const changed = state !== before || (pos > 0 && effects.length > 0);
    const after = changed ? { ...state, pos: pos > 0 ? pos : before.pos } : before;
    if (changed) {
      const encoded = kind.encode(after);
      if (!encoded.ok) throw new Error(`the state after it is not valid: ${encoded.error.message}`);
      cell.encoded = encoded.value;
    }
    const batch: Batch = (cell.stepped ??= { envelopes: [], effects: [], changed: false });
    cell.state = after;
    batch.changed ||= changed;
    batch.envelopes.push(envelope);
    for (const effect of effects) batch.effects.push({ effect, from: envelope });
  };

  const fail = (cell: Cell, envelope: Envelope, err: unknown): void => {
    stats.failedSteps++;
    envelope.tries++;
    cell.phase = 'resting';
    const { kind, partition } = cell.shard;
    const { pos, subject } = envelope;
    const facts = { actor: kind.name, id: cell.id, log: kind.log, pos, subject };
    const wake = (): void => {
      if (cell.phase !== 'resting') return;
      cell.phase = 'ready';
      drain(cell);
    };
    if (envelope.tries < limits.maxTries) {
      logger.warn({ ...facts, partition, tries: envelope.tries, err }, 'an actor failed, trying again');
      clock.after(backoffMs(envelope.tries, limits.firstRetryMs, limits.lastRetryMs), wake);
      return;
    }
    const message = err instanceof Error ? err.message : String(err);
    void deadLetters.bury({ ...facts, code: 'defect', message }).then(() => {
      stats.poisoned++;
      envelope.buried = true;
      envelope.asker?.refuse('defect');
      wake();
    });
  };

  const drain = (cell: Cell): void => {
    const { mailbox } = cell;
    let next = 0;
    while (next < mailbox.length && cell.phase === 'ready') {
      const envelope = mailbox[next]!;
      if (envelope.pos > 0 && envelope.pos <= cell.state!.pos) {
        next++;
        stats.skipped++;
        options.onSkipped(cell, envelope);
        continue;
      }
      try {
        step(cell, envelope);
        next++;
      } catch (err) {
        fail(cell, envelope, err);
      }
    }
    cell.mailbox = next === mailbox.length ? [] : mailbox.slice(next);
    options.onStepped(cell);
  };

  return { drain };
}
