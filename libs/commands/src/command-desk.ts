import type { Answer, Bus, BusMessage, LiveSubscription } from '@trivium/bus';
import {
  callSubject,
  clientSubject,
  decodeCommandVerb,
  doorSubject,
  hereSubject,
  subjectClient,
  TriviumError,
  type ErrorCode,
} from '@trivium/contracts';
import { commandHeaders, commandId, decodeCommand, type Command, type CommandBody } from './command.ts';

/** One client, as commands reach it. */
export interface CommandReceiver {
  /** Undefined: it is on its way to the client, whose reply `desk.reply` brings. Else why it is not. Synchronous. */
  onCommand(command: Command): ErrorCode | undefined;
  /** Nobody waits for it any more. */
  onCancelled?(id: string): void;
  /** The client is at another door now. Returns the commands that it has not been given yet: they go there. */
  onMoved?(): readonly string[];
}

export interface DeskStats {
  delivered: number;
  replies: number;
  /** Commands whose time ran out at the client. */
  unanswered: number;
  readonly open: number;
}

/** Commands to the clients of this process, and their replies. */
export interface CommandDesk {
  /** Where clients with a session are found: those of the MQTT door. */
  serve(find: (client: string) => CommandReceiver | undefined): void;
  /** A client without a session (`trivium.v1`, HTTP) takes commands from now on, and no other door does for it. Returns how to end that. */
  attach(client: string, receiver: CommandReceiver): () => void;
  /** The client answers; a command that came to it by another door, or before a reconnect, is answered there. */
  reply(client: string, id: string, body: CommandBody): void;
  readonly stats: Readonly<DeskStats>;
  close(): void;
}

interface Open {
  readonly client: string;
  readonly expiresAt: number;
  resolve(answer: Answer): void;
  reject(error: TriviumError): void;
}

const SWEEP_MS = 1_000;
/** A command that does not say how long it is waited for. */
const DEFAULT_MS = 60_000;
const NOTHING = new Uint8Array(0);

export function createCommandDesk(
  bus: Pick<Bus, 'incarnation' | 'serve' | 'publisher'>,
  now: () => number = Date.now,
): CommandDesk {
  let find: (client: string) => CommandReceiver | undefined = () => undefined;
  const attached = new Map<string, { receiver: CommandReceiver; service: LiveSubscription }>();
  const open = new Map<string, Open>();
  const stats = {
    delivered: 0,
    replies: 0,
    unanswered: 0,
    get open() {
      return open.size;
    },
  };

  const onMessage = (
    message: BusMessage,
    receiverOf: (client: string) => CommandReceiver | undefined,
  ): Promise<Answer> | undefined => {
    const verb = decodeCommandVerb((name) => message.headers?.get(name));
    if (verb === undefined || verb === 'reply') return undefined;
    const client = subjectClient(message.subject) ?? '';
    const receiver = receiverOf(client);
    if (verb === 'command') return deliver(client, receiver, decodeCommand(message));
    if (verb === 'cancel') cancel(client, receiver, commandId(message));
    else if (commandId(message) !== bus.incarnation && receiver !== undefined) release(client, receiver);
    return undefined;
  };

  /** The client takes no more commands by this receiver. */
  const release = (client: string, receiver: CommandReceiver): void => {
    const there = attached.get(client);
    if (there?.receiver !== receiver) return;
    attached.delete(client);
    there.service.close();
    for (const id of receiver.onMoved?.() ?? []) {
      open.get(id)?.reject(new TriviumError('device.offline'));
      open.delete(id);
    }
  };

  const deliver = (
    client: string,
    receiver: CommandReceiver | undefined,
    command: Command,
  ): Promise<Answer> => {
    const refusal = receiver === undefined ? 'device.offline' : receiver.onCommand(command);
    if (refusal !== undefined) return Promise.reject(new TriviumError(refusal));
    stats.delivered++;
    const { id, properties } = command;
    const expiresAt = properties?.expiresAt ?? now() + DEFAULT_MS;
    return new Promise((resolve, reject) => open.set(id, { client, expiresAt, resolve, reject }));
  };

  const cancel = (client: string, receiver: CommandReceiver | undefined, id: string): void => {
    if (open.get(id)?.client !== client) return;
    open.delete(id);
    receiver?.onCancelled?.(id);
  };

  const sweep = setInterval(() => {
    for (const [id, { client, expiresAt, reject }] of open) {
      if (expiresAt > now()) continue;
      open.delete(id);
      stats.unanswered++;
      attached.get(client)?.receiver.onCancelled?.(id);
      reject(new TriviumError('device.no-answer'));
    }
  }, SWEEP_MS);
  sweep.unref();

  const ours = bus.serve(doorSubject(bus.incarnation), (message) => onMessage(message, find));

  return {
    serve(lookup) {
      find = lookup;
    },
    attach(client, receiver) {
      const former = attached.get(client);
      if (former !== undefined) release(client, former.receiver);
      const subject = callSubject(client);
      const service = bus.serve(subject, (message) => onMessage(message, () => receiver));
      attached.set(client, { receiver, service });
      bus.publisher.live(subject, NOTHING, commandHeaders('moved', { id: bus.incarnation }));
      bus.publisher.live(hereSubject(client), NOTHING);
      return () => release(client, receiver);
    },
    reply(client, id, { payload, properties }) {
      const waiting = open.get(id);
      stats.replies++;
      if (waiting === undefined) {
        // Who asked is named by the id, and checks that this client was asked.
        const asker = id.slice(0, id.lastIndexOf('-'));
        if (!/^[A-Za-z0-9]+$/.test(asker)) return;
        const headers = commandHeaders('reply', { id, properties });
        bus.publisher.live(clientSubject(asker, client), payload, headers);
      } else if (waiting.client === client) {
        open.delete(id);
        waiting.resolve({ payload, headers: commandHeaders('reply', { id, properties }) });
      }
    },
    stats,
    close() {
      clearInterval(sweep);
      ours.close();
      for (const { reject } of open.values()) reject(new TriviumError('server.draining'));
      open.clear();
    },
  };
}
