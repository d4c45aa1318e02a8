import { isDollar } from '@trivium/contracts';
import { ANY, DOLLAR_PLUS, PLUS, type Levels } from './topic-pattern.ts';

class Node {
  names: Map<string, Node> | undefined;
  plus: Node | undefined;
  /** Children by open level, the number of which tells its text in `filled`. */
  open: Map<number, Node> | undefined;
  /** Of the patterns that end here. */
  here = 0;
  /** Of the patterns that end here with `#`. */
  rest = 0;
}

/** The texts of open levels by their numbers, as `filledLevel` gives them. */
export type FilledLevels = readonly (string | undefined)[];

/**
 * Topic patterns with bits. A question is answered by the bits of all patterns that it applies to, put together; each node is visited once at
 * most. Open levels are filled in while walking, so that one tree serves every client.
 */
export class PatternTree {
  readonly #root = new Node();
  #dollar: Node | undefined;

  /** `levels`: text, or the number of an open level. */
  add(levels: readonly (string | number)[], rest: boolean, bits: number): void {
    let node = this.#root;
    levels.forEach((level, at) => {
      if (level === PLUS) node = node.plus ??= new Node();
      else if (at === 0 && level === DOLLAR_PLUS) node = this.#dollar ??= new Node();
      else if (typeof level === 'string') node = child((node.names ??= new Map()), level);
      else node = child((node.open ??= new Map()), level);
    });
    if (rest) node.rest |= bits;
    else node.here |= bits;
  }

  /** Of the patterns that match every topic that `wanted` matches. */
  covering(wanted: Levels, filled: FilledLevels): number {
    const first = wanted.levels[0]!;
    const bits = coveringBits(this.#root, wanted, 0, filled);
    if (this.#dollar === undefined || !isDollar(first)) return bits;
    return bits | coveringBits(this.#dollar, wanted, 1, filled);
  }

  /** Of the patterns that match some topic that `wanted` matches. */
  overlapping(wanted: Levels, filled: FilledLevels): number {
    const bits = overlappingBits(this.#root, wanted, 0, filled);
    if (this.#dollar === undefined || !isDollar(wanted.levels[0]!)) return bits;
    return bits | overlappingBits(this.#dollar, wanted, 1, filled);
  }
}

function child<K>(children: Map<K, Node>, key: K): Node {
  let node = children.get(key);
  if (node === undefined) children.set(key, (node = new Node()));
  return node;
}

function coveringBits(node: Node, wanted: Levels, at: number, filled: FilledLevels): number {
  let bits = node.rest;
  if (at === wanted.levels.length) return wanted.rest ? bits : bits | node.here;
  const level = wanted.levels[at]!;
  const named = node.names?.get(level);
  if (named !== undefined) bits |= coveringBits(named, wanted, at + 1, filled);
  if (node.plus !== undefined && !(at === 0 && isDollar(level)))
    bits |= coveringBits(node.plus, wanted, at + 1, filled);
  if (node.open !== undefined)
    for (const [number, next] of node.open) {
      const text = filled[number];
      if (text === level || text === ANY) bits |= coveringBits(next, wanted, at + 1, filled);
    }
  return bits;
}

function overlappingBits(node: Node, wanted: Levels, at: number, filled: FilledLevels): number {
  const over = at >= wanted.levels.length;
  let bits = over ? node.here | node.rest : node.rest;
  if (over && !wanted.rest) return bits;
  const level = over ? PLUS : wanted.levels[at]!;
  const meets = (text: string): boolean =>
    text === level || text === ANY || (level === PLUS && !(at === 0 && isDollar(text)));
  if (level !== PLUS) {
    const named = node.names?.get(level);
    if (named !== undefined) bits |= overlappingBits(named, wanted, at + 1, filled);
  } else if (node.names !== undefined)
    for (const [name, next] of node.names)
      if (meets(name)) bits |= overlappingBits(next, wanted, at + 1, filled);
  if (node.plus !== undefined && !(at === 0 && isDollar(level)))
    bits |= overlappingBits(node.plus, wanted, at + 1, filled);
  if (node.open !== undefined)
    for (const [number, next] of node.open) {
      const text = filled[number];
      if (text !== undefined && meets(text)) bits |= overlappingBits(next, wanted, at + 1, filled);
    }
  return bits;
}
