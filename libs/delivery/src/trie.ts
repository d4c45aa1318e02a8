import { Members } from './members.ts';

class Node<T extends NonNullable<unknown>> {
  literal: Map<string, Node<T>> | undefined;
  plus: Node<T> | undefined;
  /** Values of the filter that ends here. */
  here: Members<T> | undefined;
  /** Values of the filter that ends here with `#`. */
  below: Members<T> | undefined;

  get empty(): boolean {
    return (
      this.plus === undefined &&
      this.literal === undefined &&
      this.here === undefined &&
      this.below === undefined
    );
  }
}

/**
 * Filters to values, matched by topic level. A filter that begins with a wildcard does not match a topic that begins with `$`
 * [MQTT3-4.7.2-1]; `#` matches its parent level too [MQTT3-4.7.1-2].
 */
export class FilterTrie<T extends NonNullable<unknown>> {
  readonly #root = new Node<T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(filter: string, value: T): void {
    let node = this.#root;
    const levels = filter.split('/');
    const multi = levels.at(-1) === '#';
    if (multi) levels.pop();
    for (const level of levels) {
      if (level === '+') node = node.plus ??= new Node();
      else {
        const children = (node.literal ??= new Map());
        let child = children.get(level);
        if (child === undefined) children.set(level, (child = new Node()));
        node = child;
      }
    }
    const values = multi ? (node.below ??= new Members()) : (node.here ??= new Members());
    if (values.add(value)) this.#size++;
  }

  remove(filter: string, value: T): boolean {
    const levels = filter.split('/');
    const multi = levels.at(-1) === '#';
    if (multi) levels.pop();
    const path: Node<T>[] = [this.#root];
    for (const level of levels) {
      const node = path.at(-1)!;
      const next = level === '+' ? node.plus : node.literal?.get(level);
      if (next === undefined) return false;
      path.push(next);
    }
    const last = path.at(-1)!;
    const values = multi ? last.below : last.here;
    if (values === undefined || !values.delete(value)) return false;
    this.#size--;
    if (values.size === 0) {
      if (multi) last.below = undefined;
      else last.here = undefined;
    }
    for (let i = levels.length; i > 0 && path[i]!.empty; i--) {
      const parent = path[i - 1]!;
      const level = levels[i - 1]!;
      if (level === '+') parent.plus = undefined;
      else {
        parent.literal!.delete(level);
        if (parent.literal!.size === 0) parent.literal = undefined;
      }
    }
    return true;
  }

  match(topic: string, onMatch: (value: T) => void): void {
    walk(this.#root, topic.split('/'), 0, topic.startsWith('$'), onMatch);
  }
}

function walk<T extends NonNullable<unknown>>(
  node: Node<T>,
  levels: string[],
  at: number,
  dollar: boolean,
  onMatch: (value: T) => void,
): void {
  const wild = !(dollar && at === 0);
  if (wild) node.below?.forEach(onMatch);
  if (at === levels.length) {
    node.here?.forEach(onMatch);
    return;
  }
  const child = node.literal?.get(levels[at]!);
  if (child !== undefined) walk(child, levels, at + 1, dollar, onMatch);
  if (wild && node.plus !== undefined) walk(node.plus, levels, at + 1, dollar, onMatch);
}
