/** Something with bytes to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/**
 * Collects the connections of a door that have something to say, and lets each write once when the turn of the event loop ends: after
 * every socket and the bus have been read, so that what they brought leaves together.
 */
export class OutputTurn {
  #dirty: Flushable[] = [];
  #spare: Flushable[] = [];
  #scheduled = false;
  readonly #schedule: (run: () => void) => void;
  readonly #run = (): void => this.flush();

  /** `schedule` calls `run` once, soon: setImmediate, or a test's own. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  /** Call once per turn and connection. */
  add(output: Flushable): void {
    this.#dirty.push(output);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }

  flush(): void {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = this.#spare;
    for (let i = 0; i < dirty.length; i++) dirty[i]!.flush();
    dirty.length = 0;
    this.#spare = dirty;
  }
}
