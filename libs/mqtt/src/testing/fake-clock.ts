import type { Clock } from '@trivium/clock';

/** Time that passes when the test says so. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Set<{ every: number; next: number; run: () => void }>();

  now(): number {
    return this.#now;
  }
  every(intervalMs: number, run: () => void): () => void {
    const timer = { every: intervalMs, next: this.#now + intervalMs, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  get timers(): number {
    return this.#timers.size;
  }
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ next }) => next <= end).sort((a, b) => a.next - b.next)[0];
      if (due === undefined) break;
      this.#now = due.next;
      due.next += due.every;
      due.run();
    }
    this.#now = end;
  }
}
