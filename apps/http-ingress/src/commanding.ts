import { createHash } from 'node:crypto';
import { answered, type CommandBody, type CommandCaller, type CommandStore } from '@trivium/commands';
import {
  ANONYMOUS,
  errorCode,
  fromBase64,
  propertiesFromJson,
  TriviumError,
  type CommandRecord,
} from '@trivium/contracts';
import type { Clock } from '@trivium/clock';

export interface CommandRequest {
  readonly device: string;
  readonly name: string;
  readonly body: CommandBody;
  /** Who sends it: the only one but administrators who may ask what became of it. */
  readonly principal: string;
  readonly timeoutMs: number;
  /** How long it may wait for a device that is away; undefined: not at all. */
  readonly queueMs: number | undefined;
  readonly idempotencyKey: string | undefined;
  /** The caller has gone. */
  readonly signal: AbortSignal;
}

export type CommandOutcome =
  | { readonly is: 'answered'; readonly id: string; readonly reply: CommandBody }
  | { readonly is: 'queued'; readonly id: string };

/** Commands that HTTP callers give. */
export interface Commanding {
  /** Rejects with a `TriviumError`, among them the refusals of `CommandCaller.call`. */
  send(request: CommandRequest): Promise<CommandOutcome>;
  status(id: string): Promise<CommandRecord | undefined>;
  /** False: there is no such command, or it does not wait any more. */
  cancel(id: string): Promise<boolean>;
}

/** How often the record of a command is looked at that another request is about to get answered. */
const LOOK_MS = 50;

export function createCommanding(caller: CommandCaller, store: CommandStore, clock: Clock): Commanding {
  /** Waits for the end of a command that another request with the same key has sent. */
  const join = async (id: string, request: CommandRequest): Promise<CommandOutcome> => {
    const endsAt = clock.now() + request.timeoutMs;
    for (;;) {
      const record = (await store.read(id))?.record;
      const outcome = record && outcomeOf(record);
      if (outcome !== undefined) return outcome;
      if (request.signal.aborted || clock.now() >= endsAt) throw new TriviumError('device.no-answer');
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };

  const callOrQueue = async (
    id: string,
    { device, name, body, principal, timeoutMs, queueMs }: CommandRequest,
    cancel: { signal?: AbortSignal },
  ): Promise<CommandOutcome> => {
    try {
      const reply = await caller.call(device, name, body, { id, timeoutMs, ...cancel });
      return { is: 'answered', id, reply };
    } catch (error) {
      if (queueMs === undefined || errorCode(error) !== 'device.offline') throw error;
      await store.queue(device, { id, name, ...body }, clock.now() + queueMs, principal);
      return { is: 'queued', id };
    }
  };

  /** The same, with a record of it that a retry finds. */
  const once = async (id: string, request: CommandRequest): Promise<CommandOutcome> => {
    const { device, name, principal, timeoutMs } = request;
    const now = clock.now();
    const sent: CommandRecord = {
      ...{ v: 1, id, device, name, state: 'sent', principal, createdAt: now, expiresAt: now + timeoutMs },
    };
    const stored = await store.write(sent, 0);
    if (stored === undefined) return join(id, request);
    const end = (record: CommandRecord): Promise<unknown> =>
      store.write(record, stored.revision).catch(() => undefined);
    try {
      // It goes on when the caller hangs up: its retry finds the answer.
      const outcome = await callOrQueue(id, request, {});
      if (outcome.is === 'answered') await end(answered(sent, outcome.reply));
      return outcome;
    } catch (error) {
      await end({ ...sent, state: 'failed', code: errorCode(error) });
      throw error;
    }
  };

  return {
    async send(request) {
      const id = caller.newId();
      if (request.idempotencyKey === undefined) return callOrQueue(id, request, { signal: request.signal });
      const digest = digestOf(request);
      const claim = await store.claim(request.device, keyOf(request), id, digest);
      if (claim.digest !== digest)
        throw new TriviumError('idempotency.mismatch', 'the key was used for another command');
      return claim.id === id ? once(id, request) : join(claim.id, request);
    },
    status: async (id) => (await store.read(id))?.record,
    async cancel(id) {
      const there = await store.read(id);
      if (there?.record.state !== 'queued') return false;
      return (await store.write({ ...there.record, state: 'cancelled' }, there.revision)) !== undefined;
    },
  };
}

function outcomeOf(record: CommandRecord): CommandOutcome | undefined {
  const { id, state, reply, code } = record;
  switch (state) {
    case 'sent':
      return undefined;
    case 'queued':
      return { is: 'queued', id };
    case 'answered': {
      const properties = propertiesFromJson(reply!.properties, reply!.contentType, 0);
      const payload = fromBase64(reply!.payload) ?? new Uint8Array(0);
      return {
        ...{ is: 'answered', id },
        reply: { payload, properties: properties.ok ? properties.value : undefined },
      };
    }
    case 'failed':
      throw new TriviumError(errorCode({ code }), 'as the first request with this key was told');
    case 'expired':
    case 'cancelled':
      throw new TriviumError('device.no-answer', `the command was ${state}`);
  }
}

/** Of one principal: else the answer to somebody else would be told. No key has a blank. */
function keyOf({ principal, idempotencyKey = '' }: CommandRequest): string {
  return principal === ANONYMOUS ? idempotencyKey : `${principal} ${idempotencyKey}`;
}

function digestOf({ name, body }: CommandRequest): string {
  return createHash('sha256').update(name).update('\0').update(body.payload).digest('base64url');
}
