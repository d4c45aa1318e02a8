import type { CommandBody, CommandCaller } from '@trivium/commands';
import { commandTopic, errorCode, TriviumError } from '@trivium/contracts';
import type { MessageTracing } from '@trivium/telemetry';
import type { FrameId } from './codec.ts';
import type { Call } from './command-step.ts';
import type { WsStats } from './stats.ts';
import { carriedProperties } from './trace-context.ts';

/** The commands of one client on their way to devices. */
export interface Calling {
  /** Those that wait for the reply. */
  readonly open: number;
  call(call: Call): void;
  /** The client is gone: nobody waits for the replies any more. */
  cancel(): void;
}

export interface CallingOptions {
  caller: CommandCaller;
  client: string;
  maxOpen: number;
  tracing: MessageTracing;
  stats: WsStats;
  onReply(id: FrameId, body: CommandBody): void;
  onFailed(id: FrameId, error: unknown): void;
}

const RETRY_AFTER_MS = 1_000;

export function createCalling(options: CallingOptions): Calling {
  const { caller, client, maxOpen, tracing, stats, onReply, onFailed } = options;
  const gone = new AbortController();
  let open = 0;

  /** Never rejects. */
  const run = async ({ id, device, name, body, timeoutMs }: Call): Promise<void> => {
    const { traceparent, tracestate } = body.properties ?? {};
    const span = tracing.receive(commandTopic(device, name), 1, client, traceparent, tracestate);
    const properties = carriedProperties(body.properties, span, tracing.enabled);
    const { payload } = body;
    try {
      const reply = await caller.call(
        device,
        name,
        { payload, properties },
        { timeoutMs, signal: gone.signal },
      );
      span?.end();
      ended();
      onReply(id, reply);
    } catch (cause) {
      span?.end(errorCode(cause));
      stats.callsFailed++;
      ended();
      onFailed(id, cause);
    }
  };

  const ended = (): void => {
    open--;
    stats.openCalls--;
  };

  return {
    get open() {
      return open;
    },
    call(call) {
      stats.calls++;
      if (open >= maxOpen) {
        stats.callsFailed++;
        const message = `${open} commands wait for their reply, a client may have ${maxOpen}`;
        const retryAfterMs = RETRY_AFTER_MS;
        return onFailed(call.id, new TriviumError('rate.limited', message, { retryAfterMs }));
      }
      open++;
      stats.openCalls++;
      void run(call);
    },
    cancel: () => gone.abort(),
  };
}
