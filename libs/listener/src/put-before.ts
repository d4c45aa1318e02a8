import type { EventEmitter } from 'node:events';

/**
 * Puts a step before all that listens to an event now: the step is given what the event brings, and how to go on. For servers, which take up
 * a connection in listeners of their own; the connection stays the server's, so that closing it waits for it.
 */
export function putBefore<T>(
  emitter: EventEmitter,
  event: string,
  step: (brought: T, goOn: () => void) => void,
): void {
  const listeners = emitter.listeners(event);
  emitter.removeAllListeners(event);
  emitter.on(event, (brought: T) =>
    step(brought, () => {
      for (const listener of listeners) listener.call(emitter, brought);
    }),
  );
}
