import type { Command, CommandBody, CommandDesk } from '@trivium/commands';
import { commandTopic, type ErrorCode } from '@trivium/contracts';
import type { MessageTracing } from '@trivium/telemetry';
import { cmdFrame } from './command-frames.ts';
import type { Outbox } from './outbox.ts';
import type { WsStats } from './stats.ts';
import { withTraceContext } from './trace-context.ts';

/** One client as a device: commands reach it while it is attached. */
export interface Commanded {
  attach(): void;
  /** No command reaches it any more; what it was given it may still answer. Idempotent. */
  detach(): void;
  /** The client answers. */
  reply(command: string, body: CommandBody): void;
}

export interface CommandedOptions {
  desk: CommandDesk;
  client: string;
  outbox: Outbox;
  tracing: MessageTracing;
  stats: WsStats;
}

export function createCommanded({ desk, client, outbox, tracing, stats }: CommandedOptions): Commanded {
  let release: (() => void) | undefined;

  const onCommand = (command: Command): ErrorCode | undefined => {
    if (!outbox.room) return outbox.fullSinceMs === undefined ? 'device.offline' : 'slow-consumer';
    const { traceparent, tracestate } = command.properties ?? {};
    const span = tracing.deliver(traceparent, commandTopic(client, command.name), 1, client, tracestate);
    outbox.send(
      cmdFrame(
        span === undefined ? command : { ...command, properties: withTraceContext(command.properties, span) },
      ),
    );
    span?.end();
    stats.commandsOut++;
    return undefined;
  };

  return {
    attach() {
      release ??= desk.attach(client, { onCommand });
    },
    detach() {
      release?.();
      release = undefined;
    },
    reply: (command, body) => desk.reply(client, command, body),
  };
}
