/**
 * The durable messages sent to one client and not yet acknowledged by it. `ack` is cumulative, so only their positions are
 * kept: 8 bytes each, and never more than `limit`.
 */
export interface AckWindow {
  /** No further durable message may be sent. */
  readonly full: boolean;
  readonly unacknowledged: number;
  /** Takes a position into the window. Positions grow, except after `from` made the client go back. */
  sent(pos: number): void;
  /** Everything sent up to `pos` has been handled; `pos` may be one that the client knows from elsewhere. */
  acknowledge(pos: number): void;
}

const FIRST_CAPACITY = 16;

export function createAckWindow(limit: number): AckWindow {
  let ring = new Float64Array(Math.min(FIRST_CAPACITY, limit));
  let head = 0;
  let count = 0;

  const grow = (): void => {
    const larger = new Float64Array(Math.min(ring.length * 4, limit));
    for (let i = 0; i < count; i++) larger[i] = ring[(head + i) % ring.length]!;
    ring = larger;
    head = 0;
  };

  return {
    get full() {
      return count >= limit;
    },
    get unacknowledged() {
      return count;
    },
    sent(pos) {
      if (count === ring.length) grow();
      ring[(head + count) % ring.length] = pos;
      count++;
    },
    acknowledge(pos) {
      while (count > 0 && ring[head]! <= pos) {
        head = (head + 1) % ring.length;
        count--;
      }
    },
  };
}
