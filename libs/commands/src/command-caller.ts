import type { Bus, BusMessage } from '@trivium/bus';
import {
  callSubject,
  clientSubject,
  decodeCommandVerb,
  decodeJson,
  deviceKey,
  doorSubject,
  errorCode,
  presenceKey,
  SessionRecord,
  sessionKey,
  subjectClient,
  TriviumError,
} from '@trivium/contracts';
import { commandHeaders, commandId, decodeBody, type CommandBody } from './command.ts';

export interface CallOptions {
  /** How long to wait for the reply. */
  timeoutMs: number;
  /** The caller does not want the reply any more: the device is not told of a command that it has not got yet. */
  signal?: AbortSignal;
  /** Of the command; default: a new one. */
  id?: string;
}

export interface CallerStats {
  calls: number;
  replies: number;
  /** Replies that came by another door than the command went to. */
  forwarded: number;
  failed: number;
}

/** Sends commands to devices, wherever they are connected, and brings back their replies. */
export interface CommandCaller {
  /**
   * Resolves to the device's reply. Rejects with `device.unknown`, `device.offline`, `device.no-answer` (it may have acted all the
   * same), `slow-consumer`, `payload.too-large`, or retryable when the bus is away.
   */
  call(device: string, name: string, body: CommandBody, options: CallOptions): Promise<CommandBody>;
  newId(): string;
  readonly stats: Readonly<CallerStats>;
  close(): void;
}

const MAX_DOORS = 100_000;

export function createCommandCaller(
  bus: Pick<Bus, 'incarnation' | 'request' | 'serve' | 'publisher' | 'bucket'>,
  now: () => number = Date.now,
): CommandCaller {
  /** By command id: a reply that comes by another way than its request. */
  const waiting = new Map<string, { device: string; resolve(body: CommandBody): void }>();
  const stats: CallerStats = { calls: 0, replies: 0, forwarded: 0, failed: 0 };
  /** Doors at which devices were found lately: a door that has lost one says so. */
  const doors = new Map<string, string>();
  let count = 0;

  const service = bus.serve(doorSubject(bus.incarnation), (message) => {
    if (decodeCommandVerb((name) => message.headers?.get(name)) === 'reply') forwarded(message);
    return undefined;
  });

  const forwarded = (message: BusMessage): void => {
    const open = waiting.get(commandId(message));
    const device = subjectClient(message.subject);
    if (open === undefined || open.device !== device) return;
    stats.forwarded++;
    open.resolve(decodeBody(message));
  };

  const doorOf = async (device: string): Promise<{ door: string | undefined; known: boolean }> => {
    const entry = await bus.bucket('sessions').get(sessionKey(device));
    const record = entry && decodeJson(SessionRecord, entry.value);
    return { door: record?.ok ? record.value.door : undefined, known: entry !== undefined };
  };

  const isKnown = async (device: string): Promise<boolean> => {
    const devices = bus.bucket('devices');
    const found = await Promise.all([presenceKey(device), deviceKey(device)].map((key) => devices.get(key)));
    return found.some((entry) => entry !== undefined);
  };

  const ask = async (
    device: string,
    payload: Uint8Array,
    headers: Uint8Array,
    options: CallOptions,
    onSubject: (subject: string) => void,
  ): Promise<CommandBody> => {
    const endsAt = performance.now() + options.timeoutMs;
    const at = async (subject: string): Promise<CommandBody | undefined> => {
      onSubject(subject);
      const timeoutMs = Math.max(1, Math.ceil(endsAt - performance.now()));
      try {
        return decodeBody(await bus.request(subject, payload, { timeoutMs, headers }));
      } catch (cause) {
        const code = errorCode(cause);
        if (code === 'bus.timeout') throw new TriviumError('device.no-answer', undefined, { cause });
        // Not there any more: it may be elsewhere.
        if (code === 'bus.no-responders' || code === 'device.offline') return undefined;
        throw cause;
      }
    };
    const remembered = doors.get(device);
    if (remembered !== undefined) {
      const reply = await at(clientSubject(remembered, device));
      if (reply !== undefined) return reply;
      doors.delete(device);
    }
    let known = false;
    // Twice: it may be on its way from one door to another.
    for (let attempt = 0; attempt < 2; attempt++) {
      const found = await doorOf(device);
      known ||= found.known;
      if (found.door !== undefined) {
        if (doors.size >= MAX_DOORS) doors.clear();
        doors.set(device, found.door);
        const reply = await at(clientSubject(found.door, device));
        if (reply !== undefined) return reply;
        doors.delete(device);
      }
      const reply = await at(callSubject(device));
      if (reply !== undefined) return reply;
    }
    throw new TriviumError(known || (await isKnown(device)) ? 'device.offline' : 'device.unknown');
  };

  const newId = (): string => `${bus.incarnation}-${(++count).toString(36)}`;

  return {
    async call(device, name, { payload, properties }, options) {
      const { id = newId(), timeoutMs, signal } = options;
      const expiresAt = now() + timeoutMs;
      const headers = commandHeaders('command', { id, name, properties: { ...properties, expiresAt } });
      let subject: string | undefined;
      let onAbort = (): void => undefined;
      stats.calls++;
      try {
        const reply = await new Promise<CommandBody>((resolve, reject) => {
          waiting.set(id, { device, resolve });
          onAbort = () => {
            if (subject !== undefined)
              bus.publisher.live(subject, new Uint8Array(0), commandHeaders('cancel', { id }));
            reject(new TriviumError('device.no-answer', 'the caller has gone'));
          };
          signal?.addEventListener('abort', onAbort);
          ask(device, payload, headers, options, (to) => (subject = to)).then(resolve, reject);
        });
        stats.replies++;
        return reply;
      } catch (cause) {
        stats.failed++;
        throw cause;
      } finally {
        signal?.removeEventListener('abort', onAbort);
        waiting.delete(id);
      }
    },
    newId,
    stats,
    close: () => service.close(),
  };
}
