import type { Clock } from '@trivium/actors';
import type { Bus, Follower, Logger } from '@trivium/bus';
import {
  answered,
  createCommandCaller,
  createCommandStore,
  decodeCommand,
  type StoredCommand,
} from '@trivium/commands';
import {
  COMMAND_HEADERS,
  decodeHeaderValue,
  errorCode,
  HERE_SUBJECTS,
  partitionOf,
  subjectClient,
  type CommandRecord,
} from '@trivium/contracts';
import type { SessionWatch } from './session-watch.ts';

export interface QueuedCommandsOptions {
  bus: Bus;
  sessions: SessionWatch;
  clock: Clock;
  logger: Logger;
  holds(partition: number): boolean;
}

/**
 * Sends the commands that wait for devices (`COMMANDS`) when those are there, one after the other, and writes down what became of them.
 * Each device by the router that holds its partition. A command whose router died before it wrote the answer is sent again, with its id.
 */
export interface QueuedCommands {
  /** The session's record has changed. */
  changed(client: string): void;
  readonly stats: {
    readonly waiting: number;
    readonly sent: number;
    readonly answered: number;
    readonly expired: number;
    readonly failed: number;
  };
  close(): void;
}

interface Waiting {
  readonly pos: number;
  readonly id: string;
}

const LOOK_MS = 1_000;
/** A device without a session that nobody has announced is asked for again after this, and then ever more seldom. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** How long the device of a queued command has for its reply. */
const REPLY_MS = 30_000;

export function createQueuedCommands(options: QueuedCommandsOptions): QueuedCommands {
  const { bus, sessions, clock, logger, holds } = options;
  const now = (): number => clock.wallMs();
  const caller = createCommandCaller(bus, now);
  const store = createCommandStore(bus, now);
  const queues = new Map<string, Waiting[]>();
  const busy = new Set<string>();
  /** When a device without a session is asked for again. */
  const retries = new Map<string, { atMs: number; afterMs: number }>();
  let closed = false;
  const stats = {
    ...{ sent: 0, answered: 0, expired: 0, failed: 0 },
    get waiting() {
      let sum = 0;
      for (const queue of queues.values()) sum += queue.length;
      return sum;
    },
  };

  const follower: Follower = bus.follow({
    stream: 'COMMANDS',
    after: 0,
    onMessage(pos, message) {
      const client = subjectClient(message.subject);
      const id = decodeHeaderValue(message.headers?.get(COMMAND_HEADERS.id) ?? '');
      if (client === undefined || id === undefined) return;
      const queue = queues.get(client);
      if (queue === undefined) queues.set(client, [{ pos, id }]);
      else queue.push({ pos, id });
    },
  });

  const isDue = (client: string): boolean => {
    if (busy.has(client) || !holds(partitionOf(client))) return false;
    if (sessions.get(client)?.door !== undefined) return true;
    return (retries.get(client)?.atMs ?? 0) <= clock.monotonicMs();
  };

  const tick = (): void => {
    if (bus.up) for (const client of queues.keys()) if (isDue(client)) void serve(client);
    if (!closed) cancel = clock.after(LOOK_MS, tick);
  };
  let cancel = clock.after(LOOK_MS, tick);

  /** All that waits for a device, as long as it takes it. */
  const serve = async (client: string): Promise<void> => {
    busy.add(client);
    try {
      for (let one = queues.get(client)?.[0]; one !== undefined && !closed; one = queues.get(client)?.[0]) {
        if (!holds(partitionOf(client)) || !(await send(client, one))) return later(client);
        queues.get(client)!.shift();
        retries.delete(client);
      }
      queues.delete(client);
    } catch (err) {
      logger.debug({ client, err }, 'a queued command could not be dealt with, trying again');
      later(client);
    } finally {
      busy.delete(client);
    }
  };

  const later = (client: string): void => {
    const afterMs = Math.min((retries.get(client)?.afterMs ?? FIRST_RETRY_MS / 2) * 2, LAST_RETRY_MS);
    retries.set(client, { atMs: clock.monotonicMs() + afterMs, afterMs });
  };

  /** True when the command is dealt with, whatever became of it. */
  const send = async (client: string, { pos, id }: Waiting): Promise<boolean> => {
    const [message, stored] = await Promise.all([bus.read('COMMANDS', pos), store.read(id)]);
    if (stored === undefined || message === undefined) {
      if (stored?.record.state === 'queued') await end(stored, { state: 'expired' });
      return erase(pos);
    }
    const { record } = stored;
    if (record.state !== 'queued' && record.state !== 'sent') return erase(pos);
    if (record.expiresAt <= now()) {
      stats.expired++;
      await end(stored, { state: 'expired' });
      return erase(pos);
    }
    const sent = await store.write({ ...record, state: 'sent' }, stored.revision);
    if (sent === undefined) return false; // taken back in this moment, or another router has it
    const { name, payload, properties } = decodeCommand(message);
    stats.sent++;
    try {
      const timeoutMs = Math.min(REPLY_MS, record.expiresAt - now());
      const reply = await caller.call(client, name, { payload, properties }, { id, timeoutMs });
      stats.answered++;
      await end(sent, answered(sent.record, reply));
      return erase(pos);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'device.offline' || code === 'device.unknown' || code === 'slow-consumer' || !bus.up) {
        await store.write({ ...record, state: 'queued' }, sent.revision);
        return false;
      }
      stats.failed++;
      await end(sent, { state: 'failed', code });
      return erase(pos);
    }
  };

  const end = async (stored: StoredCommand, change: Partial<CommandRecord>): Promise<void> => {
    await store.write({ ...stored.record, ...change }, stored.revision);
  };

  const erase = async (pos: number): Promise<true> => {
    await bus.erase('COMMANDS', pos);
    return true;
  };

  /** It is there now: what waits is sent at once. */
  const arrived = (client: string): void => {
    if (!queues.has(client)) return;
    retries.delete(client);
    if (bus.up && isDue(client)) void serve(client);
  };

  const announcements = bus.live.subscribe(HERE_SUBJECTS, (message) => {
    const client = subjectClient(message.subject);
    if (client !== undefined) arrived(client);
  });

  return {
    changed(client) {
      if (queues.has(client) && sessions.get(client)?.door !== undefined) arrived(client);
    },
    stats,
    close() {
      closed = true;
      cancel();
      announcements.close();
      follower.close();
      caller.close();
    },
  };
}
