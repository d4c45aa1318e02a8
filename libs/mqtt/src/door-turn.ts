/** Something with bytes from its client to look at. */
export interface Servable {
  serve(): void;
}

/** Something with bytes for its client to write. */
export interface Flushable {
  flush(): void;
}

/** Bytes from clients that are kept for the end of the turn; more are served at once, so that they stay few. */
const MOST_INPUT_BYTES = 1_048_576;
/** So much at once comes from a client that floods: half of what is read from a socket. */
export const BULK_BYTES = 32_768;
/** After so long no further such client is served in this turn. */
const BULKS_MS = 5;

/**
 * One turn of the event loop for all connections of a door: what the sockets and the bus brought is served together when all have been
 * read, and what it gave is written together. So the bus is written to once, not once per socket, and each client once, not once
 * per message: with many clients that send little each, these calls are most of what a message costs. Clients that send much at once are
 * served last, one after the other, as many as a few milliseconds allow, so that the others do not wait for all of it.
 */
export class DoorTurn {
  #inputs: Servable[] = [];
  #spareInputs: Servable[] = [];
  #inputBytes = 0;
  readonly #bulks: Servable[] = [];
  #outputs: Flushable[] = [];
  #spareOutputs: Flushable[] = [];
  #scheduled = false;
  readonly #schedule: (run: () => void) => void;
  readonly #now: () => number;
  readonly #run = (): void => this.#end();

  /** `schedule` calls `run` once, after everything that has come was read: setImmediate, or a test's own. `now` in milliseconds. */
  constructor(schedule: (run: () => void) => void, now: () => number = () => performance.now()) {
    this.#schedule = schedule;
    this.#now = now;
  }

  /**
   * `bytes` have come for `connection`. Call with `connection` once until it is served, then without. If they are {@link BULK_BYTES} or
   * more it must not be read until then.
   */
  received(connection: Servable | undefined, bytes: number): void {
    if (bytes >= BULK_BYTES) {
      if (connection !== undefined) this.#bulks.push(connection);
    } else {
      if (connection !== undefined) this.#inputs.push(connection);
      this.#inputBytes += bytes;
      if (this.#inputBytes > MOST_INPUT_BYTES) this.#serve();
    }
    this.#soon();
  }

  /** Call once per turn and outbox. */
  write(output: Flushable): void {
    this.#outputs.push(output);
    this.#soon();
  }

  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }

  #end(): void {
    this.#serve();
    this.#serveBulks();
    this.#scheduled = false;
    const outputs = this.#outputs;
    this.#outputs = this.#spareOutputs;
    for (let i = 0; i < outputs.length; i++) outputs[i]!.flush();
    outputs.length = 0;
    this.#spareOutputs = outputs;
    if (this.#bulks.length > 0) this.#soon();
  }

  /** At least one; those that are left are served in the next turns. */
  #serveBulks(): void {
    if (this.#bulks.length === 0) return;
    const end = this.#now() + BULKS_MS;
    do this.#bulks.shift()!.serve();
    while (this.#bulks.length > 0 && this.#now() < end);
  }

  #serve(): void {
    const inputs = this.#inputs;
    this.#inputs = this.#spareInputs;
    this.#inputBytes = 0;
    for (let i = 0; i < inputs.length; i++) inputs[i]!.serve();
    inputs.length = 0;
    this.#spareInputs = inputs;
  }
}
