/**
 * The position up to which everything is settled, when work is begun in order and finished in any order.
 * Positions rise; each is begun once and settled once.
 */
export interface Watermark {
  begin(pos: number): void;
  settle(pos: number): void;
  /** Begun and not settled. */
  readonly open: number;
  /** Nothing at or below the answer is open; `considered` is the last position seen, whether work came of it or not. */
  low(considered: number): number;
}

/** Settled entries at the front of the list that are kept before it is cut: the cut copies the rest. */
const CUT = 1_024;

export function createWatermark(): Watermark {
  let positions: number[] = [];
  let head = 0;
  const early = new Set<number>(); // settled before a lower one

  return {
    begin(pos) {
      positions.push(pos);
    },
    settle(pos) {
      if (pos !== positions[head]) {
        early.add(pos);
        return;
      }
      head++;
      while (early.size > 0 && early.delete(positions[head]!)) head++;
      if (head === positions.length) {
        positions = [];
        head = 0;
      } else if (head >= CUT && head * 2 > positions.length) {
        positions = positions.slice(head);
        head = 0;
      }
    },
    get open() {
      return positions.length - head - early.size;
    },
    low(considered) {
      return head < positions.length ? positions[head]! - 1 : considered;
    },
  };
}
