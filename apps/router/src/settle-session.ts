import type { Bus } from '@trivium/bus';
import {
  decodeJson,
  ExactlyOnceRecord,
  sessionKey,
  type SessionRecord,
  type WillMessage,
} from '@trivium/contracts';
import { afterWills, createSessionStore, publishWill, settlement, type Settlement } from '@trivium/sessions';

export interface SettleOptions {
  bus: Bus;
  /** This client is for this router to settle. */
  holds(client: string): boolean;
  /** Wall clock, milliseconds since the epoch. */
  nowMs(): number;
  /** Whether the door is dead for a connection that began at `connectedAt`: asked of the bucket, so that no stale view decides. */
  isLost(door: string, connectedAt: number): Promise<boolean>;
  /** When the door lost its lease, as far as this router saw it. */
  lostMs(door: string): number;
  /** When this revision of the record was written, as far as this router saw it. */
  writtenMs(client: string, revision: number): number;
  /** Whether a will that became due then may have been published too long ago to be recognised. */
  isOld(sinceMs: number): boolean;
  /** Whether a will may be published now. Rejects with a retryable `TriviumError` when nobody can tell. */
  mayLeave(client: string, will: WillMessage): Promise<boolean>;
}

/** What came of it. */
export interface Settled {
  /** The session had no living connection and was freed or ended. */
  readonly settled: boolean;
  readonly wills: number;
  /** Wills that were not allowed any more. */
  readonly denied: number;
}

const NOT_OURS: Settled = { settled: false, wills: 0, denied: 0 };

/**
 * Settles one session, from wherever it was left off. Rejects with a retryable `TriviumError`; call it again then. Several processes may
 * try at once: each step is a compare-and-set, and a will is in the log once.
 */
export function createSettler(options: SettleOptions): (client: string) => Promise<Settled> {
  const { bus } = options;
  const store = createSessionStore(bus);
  const exactlyOnce = bus.bucket('qos2');

  /** Before the session goes: what is left over afterwards nobody would find. */
  const forgetExchanges = async (client: string, epoch: number): Promise<void> => {
    const entry = await exactlyOnce.get(sessionKey(client));
    if (entry === undefined) return;
    const read = decodeJson(ExactlyOnceRecord, entry.value);
    if (read.ok && read.value.epoch > epoch) return; // of an owner that came meanwhile
    await exactlyOnce.delete(entry.key, entry.revision);
  };

  /** False: the record is not at `revision` any more. */
  const leave = async (
    client: string,
    record: SessionRecord,
    revision: number,
    step: Settlement,
  ): Promise<boolean> => {
    if (step.do === 'free')
      return (await store.write(client, step.record, revision, step.ttlSeconds)) !== undefined;
    if (record.exactlyOnce) await forgetExchanges(client, record.epoch);
    return store.remove(client, revision);
  };

  /** One look at the record and what follows from it. Undefined: somebody changed it meanwhile, look again. */
  const attempt = async (client: string): Promise<Settled | undefined> => {
    const stored = await store.read(client);
    if (stored?.record === undefined) return NOT_OURS;
    let { record, revision } = stored;
    let dueMs = options.writtenMs(client, revision);
    const { door } = record;
    const lost = door !== undefined && (await options.isLost(door, record.connectedAt));
    let step = settlement(record, lost, options.nowMs());
    if (step.do === 'nothing' || step.do === 'wait' || !options.holds(client)) return NOT_OURS;
    if (step.do === 'claim') {
      const written = await store.write(client, step.record, revision);
      if (written === undefined) return undefined;
      ({ record } = step);
      revision = written;
      dueMs = options.lostMs(door!);
      step = settlement(record, false, options.nowMs());
      if (step.do === 'wait') return NOT_OURS;
    }
    let [wills, denied] = [0, 0];
    if (step.do === 'publish') {
      for (const due of step.wills) {
        if (!(await options.mayLeave(client, due.will))) {
          denied++;
          continue;
        }
        // Those of connections before the last one became due at a time that nobody here knows.
        const ofLast = due.epoch >= record.epoch - 1;
        await publishWill(bus, client, due, options.isOld(ofLast ? dueMs : -Infinity));
        wills++;
      }
      step = afterWills(record, options.nowMs());
    }
    return (await leave(client, record, revision, step)) ? { settled: true, wills, denied } : undefined;
  };

  return async (client) => {
    for (;;) {
      if (!options.holds(client)) return NOT_OURS;
      const outcome = await attempt(client);
      if (outcome !== undefined) return outcome;
    }
  };
}
