import { addHeaders, type Bus } from '@trivium/bus';
import {
  commandKey,
  CommandRecord,
  decodeJson,
  encodeJson,
  IdempotentCommand,
  idempotentCommandKey,
  propertiesToJson,
  queuedCommandSubject,
  toBase64,
  TriviumError,
} from '@trivium/contracts';
import { commandHeaders, type Command, type CommandBody } from './command.ts';

/** What became of a command is known for so long after its end. */
const KEPT_SECONDS = 86_400;
/** Commands that may wait for one device. */
const MAX_QUEUED = 100;

export interface StoredCommand {
  readonly record: CommandRecord;
  readonly revision: number;
}

/** Commands that outlive their request: queued for a device that is away, or asked for with an idempotency key. Rejects retryable. */
export interface CommandStore {
  read(id: string): Promise<StoredCommand | undefined>;
  /** By compare-and-set; undefined when somebody else has changed it. */
  write(record: CommandRecord, expect: number): Promise<StoredCommand | undefined>;
  /** Stores a command until `expiresAt` for when its device is there, in order. Rejects with `quota.exceeded` when too many wait. */
  queue(device: string, command: Command, expiresAt: number, principal?: string): Promise<StoredCommand>;
  /** The id of the command that the key stands for: `id`, unless the key was used before. Another command under the key: `digest` differs. */
  claim(device: string, key: string, id: string, digest: string): Promise<IdempotentCommand>;
}

export function createCommandStore(
  bus: Pick<Bus, 'bucket' | 'publisher' | 'count'>,
  now: () => number = Date.now,
): CommandStore {
  const bucket = bus.bucket('commands');
  /** As NATS takes them. */
  const secondsUntil = (expiresAt: number): number => Math.max(1, Math.ceil((expiresAt - now()) / 1_000));

  const write: CommandStore['write'] = async (record, expect) => {
    const revision = await bucket.put(commandKey(record.id), encodeJson(CommandRecord, record), {
      expect,
      ttlSeconds: secondsUntil(record.expiresAt) + KEPT_SECONDS,
    });
    return revision === undefined ? undefined : { record, revision };
  };

  return {
    async read(id) {
      const entry = await bucket.get(commandKey(id));
      const read = entry && decodeJson(CommandRecord, entry.value);
      return read?.ok ? { record: read.value, revision: entry!.revision } : undefined;
    },
    write,
    async queue(device, { id, name, payload, properties }, expiresAt, principal) {
      const subject = queuedCommandSubject(device);
      if ((await bus.count('COMMANDS', subject)) >= MAX_QUEUED)
        throw new TriviumError('quota.exceeded', `${MAX_QUEUED} commands wait for this device already`);
      const record: CommandRecord = {
        ...{ v: 1, id, device, name, state: 'queued' },
        ...(principal === undefined ? {} : { principal }),
        ...{ createdAt: now(), expiresAt },
      };
      const there = await bucket.get(commandKey(id));
      const stored = await write(record, there?.revision ?? 0);
      if (stored === undefined) throw new TriviumError('bus.refused', 'the command is being sent already');
      const headers = addHeaders(
        commandHeaders('command', { id, name, properties: { ...properties, expiresAt } }),
        [['Nats-TTL', `${secondsUntil(expiresAt)}s`]],
      );
      await bus.publisher.store(subject, payload, headers);
      return stored;
    },
    async claim(device, key, id, digest) {
      const name = idempotentCommandKey(device, key);
      const mine: IdempotentCommand = { v: 1, id, digest };
      const value = encodeJson(IdempotentCommand, mine);
      for (;;) {
        if ((await bucket.put(name, value, { expect: 0, ttlSeconds: KEPT_SECONDS })) !== undefined)
          return mine;
        const entry = await bucket.get(name);
        const read = entry && decodeJson(IdempotentCommand, entry.value);
        if (read?.ok) return read.value;
        if (entry !== undefined)
          throw new TriviumError('bus.refused', 'the record of this key cannot be read');
      }
    },
  };
}

/** The record of a command whose device has answered. */
export function answered(record: CommandRecord, { payload, properties }: CommandBody): CommandRecord {
  const { expiresAt: _, ...rest } = properties ?? {};
  const json = propertiesToJson(rest);
  const reply = {
    payload: toBase64(payload),
    ...(rest.contentType === undefined ? {} : { contentType: rest.contentType }),
    ...(json === undefined ? {} : { properties: json }),
  };
  return { ...record, state: 'answered', reply };
}
