/**
 * Tells the hub what has been handled, which opens its window for this client. Handlers may take their time, each its own: acknowledged is
 * up to the first message whose handlers are not done.
 */
export interface Acknowledging {
  /** A durable message was given to its handlers, in the order in which they came; `done`: when they are through with it. */
  given(pos: number, done: Promise<unknown> | undefined): void;
  /** The connection is another one: what was given before is not acknowledged on it. */
  reset(): void;
}

export interface AcknowledgingOptions {
  send(pos: number): void;
  /** Calls `run` soon, once for all that is handled until then. */
  soon(run: () => void): void;
}

interface Given {
  readonly pos: number;
  done: boolean;
}

export function createAcknowledging({ send, soon }: AcknowledgingOptions): Acknowledging {
  let given: Given[] = [];
  let due: number | undefined;
  let scheduled = false;

  const flush = (): void => {
    scheduled = false;
    if (due !== undefined) send(due);
    due = undefined;
  };

  const handled = (pos: number): void => {
    // The hub has gone back: `ack` is cumulative, so a lower position says nothing of what was sent before it.
    if (due !== undefined && pos < due) send(due);
    due = pos;
    if (scheduled) return;
    scheduled = true;
    soon(flush);
  };

  const collect = (from: readonly Given[]): void => {
    if (from !== given) return;
    let count = 0;
    while (given[count]?.done === true) handled(given[count++]!.pos);
    if (count > 0) given.splice(0, count);
  };

  return {
    given(pos, done) {
      if (done === undefined && given.length === 0) return handled(pos);
      const one = { pos, done: done === undefined };
      const on = given;
      on.push(one);
      void done?.then(() => {
        one.done = true;
        collect(on);
      });
    },
    reset() {
      given = [];
      due = undefined;
    },
  };
}
