import type { Clock } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import { decodeJson, partitionOf, shareName, ShareRecord, type TopicFilter } from '@trivium/contracts';
import { createShareRegistry, SHARE_CONSUMERS } from '@trivium/delivery';
import type { SessionWatch } from './session-watch.ts';

export interface LostMembersOptions {
  bus: Bus;
  sessions: SessionWatch;
  clock: Clock;
  logger: Logger;
  /** From noticing to acting: a member enters before its session says so. */
  graceMs: number;
  holds(partition: number): boolean;
}

/**
 * Takes members out of shared subscriptions whose sessions are gone, or do not have the subscription any more: those of dead doors, of
 * expired sessions, of clients that began anew elsewhere. A consumer that no share names is deleted.
 */
export interface LostMembers {
  readonly stats: { readonly shares: number; readonly removed: number; readonly consumersRemoved: number };
  close(): void;
}

const LOOK_MS = 2_000;
const LEAST_GRACE_MS = 4_000;
const CONSUMERS_MS = 60_000;
/** The partition whose router looks after consumers. */
const CONSUMERS_PARTITION = 0;

export function createLostMembers(options: LostMembersOptions): LostMembers {
  const { bus, sessions, clock, logger, holds } = options;
  const graceMs = Math.max(options.graceMs, LEAST_GRACE_MS);
  const registry = createShareRegistry(bus, logger);
  const records = new Map<string, ShareRecord>();
  /** Since when a member is without its session, by key and client. */
  let suspects = new Map<string, number>();
  let consumersAt = clock.monotonicMs();
  let known = false;
  let closed = false;
  const stats = {
    removed: 0,
    consumersRemoved: 0,
    get shares() {
      return records.size;
    },
  };

  const watch = bus.bucket('shares').watch('*', (key, value) => {
    const read = value === undefined ? undefined : decodeJson(ShareRecord, value);
    if (read?.ok === true) records.set(key, read.value);
    else records.delete(key);
  });

  const isMember = (name: string, client: string, tie: string): boolean => {
    const view = sessions.get(client);
    return view !== undefined && (tie === '' ? view.shares.includes(name) : view.connection === tie);
  };

  const lookAtMembers = async (): Promise<void> => {
    const now = clock.monotonicMs();
    const still = new Map<string, number>();
    for (const [key, record] of [...records]) {
      if (!holds(partitionOf(key))) continue;
      const share = { group: record.group, filter: record.filter as TopicFilter };
      const lost = Object.entries(record.members).filter(
        ([client, tie]) => !isMember(shareName(share), client, tie),
      );
      const due = lost.filter(([client]) => {
        const id = `${key} ${client}`;
        const since = suspects.get(id) ?? now;
        still.set(id, since);
        return now - since >= graceMs;
      });
      if (due.length === 0) continue;
      await Promise.all(due.map(([client, tie]) => registry.leave(share, client, tie)));
      stats.removed += due.length;
      logger.info(
        { share: shareName(share), members: due.length },
        'members of a shared subscription are gone',
      );
    }
    suspects = still;
  };

  const lookAtConsumers = async (): Promise<void> => {
    if (!holds(CONSUMERS_PARTITION) || clock.monotonicMs() - consumersAt < CONSUMERS_MS) return;
    consumersAt = clock.monotonicMs();
    const there = await bus.shared.list(SHARE_CONSUMERS);
    const named = new Set([...records.values()].map(({ consumer }) => consumer));
    for (const { name, createdMs } of there) {
      // A door makes the consumer before it writes the record.
      if (named.has(name) || clock.wallMs() - createdMs < CONSUMERS_MS) continue;
      await bus.shared.remove(name);
      stats.consumersRemoved++;
      logger.info({ consumer: name }, 'the consumer of a shared subscription that is gone');
    }
  };

  const tick = async (): Promise<void> => {
    try {
      if (bus.up && known) {
        await lookAtMembers();
        await lookAtConsumers();
      }
    } catch (err) {
      logger.debug({ err }, 'shared subscriptions could not be looked after, trying again');
    }
    if (!closed) cancel = clock.after(LOOK_MS, () => void tick());
  };
  let cancel = clock.after(LOOK_MS, () => void tick());
  void sessions.ready.then(() => (known = true));

  return {
    stats,
    close() {
      closed = true;
      cancel();
      watch.close();
    },
  };
}
