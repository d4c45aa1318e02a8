/** Something with bytes from its client to look at. */
export interface Servable {
  serve(): void;
}

/** Something with bytes for its client to write. */
export interface Flushable {
  flush(): void;
}

/** Bytes from clients that are kept for the end of the turn; more are served at once, so that a flood stays small. */
const MOST_INPUT_BYTES = 1_048_576;

/**
 * One turn of the event loop for all connections of a door: what the sockets and the bus brought is served together when all have been
 * read, and what it gave is written together. So the bus is written to once, not once per socket, and each client once, not once
 * per message: with many clients that send little each, these calls are most of what a message costs.
 */
export class DoorTurn {
  #inputs: Servable[] = [];
  #spareInputs: Servable[] = [];
  #inputBytes = 0;
  #outputs: Flushable[] = [];
  #spareOutputs: Flushable[] = [];
  #scheduled = false;
  readonly #schedule: (run: () => void) => void;
  readonly #run = (): void => this.#end();

  /** `schedule` calls `run` once, after everything that has come was read: setImmediate, or a test's own. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  /** `bytes` have come for `connection`. Call with `connection` once until it is served, then without. */
  received(connection: Servable | undefined, bytes: number): void {
    if (connection !== undefined) this.#inputs.push(connection);
    this.#inputBytes += bytes;
    if (this.#inputBytes > MOST_INPUT_BYTES) this.#serve();
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
    this.#scheduled = false;
    const outputs = this.#outputs;
    this.#outputs = this.#spareOutputs;
    for (let i = 0; i < outputs.length; i++) outputs[i]!.flush();
    outputs.length = 0;
    this.#spareOutputs = outputs;
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
