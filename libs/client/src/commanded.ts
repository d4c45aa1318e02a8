import { TriviumError } from '@trivium/contracts';
import type { Clock } from './clock.ts';
import { replyFrame, type Command, type ReplyOptions } from './codec.ts';

/** Does what the command says. What it returns, or its promise resolves to, is the reply. */
export type CommandHandler = (command: Command) => unknown;

/** This client as a device: the commands that come, and its replies. */
export interface Commanded {
  /** Throws when the name has a handler already. Returns how to end it. */
  handle(name: string, handler: CommandHandler, options?: ReplyOptions): () => void;
  came(command: Command): void;
  /** There is a connection: replies that were made without one go out, whichever door it is at. */
  connected(): void;
  close(): void;
}

export interface CommandedOptions {
  readonly clock: Clock;
  /** The connection as it is now. */
  readonly wire: () => { send(frame: object): void } | undefined;
  /** A handler threw, or what it returned cannot be sent: there is no reply. */
  onFailed(error: unknown): void;
}

interface Handled {
  readonly handler: CommandHandler;
  readonly options: ReplyOptions;
}

/** Takes the commands that no other handler is for. */
const ANY = '*';
/** Replies that wait for a connection. */
const MAX_WAITING = 100;
/** No hub waits for a reply longer than that. */
const WAITED_FOR_MS = 300_000;

export function createCommanded({ clock, wire, onFailed }: CommandedOptions): Commanded {
  const handlers = new Map<string, Handled>();
  let waiting: { readonly frame: object; readonly untilMs: number }[] = [];
  let closed = false;

  const answer = async (command: Command, { handler, options }: Handled): Promise<void> => {
    const untilMs = clock.now() + WAITED_FOR_MS;
    try {
      reply(replyFrame(command.id, await handler(command), options), untilMs);
    } catch (error) {
      onFailed(error);
    }
  };

  const reply = (frame: object, untilMs: number): void => {
    const to = wire();
    if (to !== undefined) return to.send(frame);
    if (closed) return;
    // What is no JSON fails here, and not when a connection comes.
    JSON.stringify(frame);
    if (waiting.length >= MAX_WAITING)
      throw new TriviumError('bus.overloaded', `${waiting.length} replies wait for a connection`);
    waiting.push({ frame, untilMs });
  };

  return {
    handle(name, handler, options = {}) {
      if (handlers.has(name)) throw new TriviumError('protocol.error', `${name} has a handler already`);
      const handled = { handler, options };
      handlers.set(name, handled);
      return () => {
        if (handlers.get(name) === handled) handlers.delete(name);
      };
    },
    came(command) {
      const handled = handlers.get(command.name) ?? handlers.get(ANY);
      if (handled !== undefined) void answer(command, handled);
    },
    connected() {
      for (const { frame, untilMs } of waiting) if (untilMs > clock.now()) wire()?.send(frame);
      waiting = [];
    },
    close() {
      closed = true;
      waiting = [];
    },
  };
}
