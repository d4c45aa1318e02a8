/** Messages of one connection that wait for the bus. */
export interface Retryable {
  retry(): void;
}

/** Who of a door waits for the bus, to publish again or to read on. */
export class PublishRetries {
  readonly #postponed = new Set<Retryable>();
  readonly #pressed = new Set<Retryable>();
  readonly #schedule: (run: () => void) => void;
  #scheduled = false;

  /** `schedule` calls `run` once, soon. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  /** To be retried when the bus is up again, or has taken something. */
  postpone(retryable: Retryable): void {
    this.#postponed.add(retryable);
  }

  /** To be told when the bus takes bytes again. */
  wait(retryable: Retryable): void {
    this.#pressed.add(retryable);
  }

  forget(retryable: Retryable): void {
    this.#postponed.delete(retryable);
    this.#pressed.delete(retryable);
  }

  /** The bus has stored something, so it may have room. Costs a test when nobody waits. */
  progress(): void {
    if (this.#postponed.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.retry();
    });
  }

  retry(): void {
    const due = [...this.#postponed];
    this.#postponed.clear();
    for (const retryable of due) retryable.retry();
  }

  /** The bus takes bytes again. */
  release(): void {
    const due = [...this.#pressed];
    this.#pressed.clear();
    for (const retryable of due) retryable.retry();
  }
}
