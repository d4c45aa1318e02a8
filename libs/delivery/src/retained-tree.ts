import type { Topic, TopicFilter } from '@trivium/contracts';

interface Node<T> {
  children: Map<string, Node<T>> | undefined;
  value: T | undefined;
}

const node = <T>(): Node<T> => ({ children: undefined, value: undefined });

/** One value per topic, found by filter: the trie of the other direction. The rules of wildcards and `$` are those of a subscription. */
export class RetainedTree<T> {
  readonly #root = node<T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(topic: Topic): T | undefined {
    let at: Node<T> | undefined = this.#root;
    for (const level of topic.split('/')) {
      at = at.children?.get(level);
      if (at === undefined) return undefined;
    }
    return at.value;
  }

  set(topic: Topic, value: T): void {
    let at = this.#root;
    for (const level of topic.split('/')) {
      const children = (at.children ??= new Map());
      let next = children.get(level);
      if (next === undefined) children.set(level, (next = node()));
      at = next;
    }
    if (at.value === undefined) this.#size++;
    at.value = value;
  }

  delete(topic: Topic): void {
    const levels = topic.split('/');
    const path = [this.#root];
    for (const level of levels) {
      const next = path.at(-1)!.children?.get(level);
      if (next === undefined) return;
      path.push(next);
    }
    const last = path.at(-1)!;
    if (last.value === undefined) return;
    last.value = undefined;
    this.#size--;
    for (let i = levels.length; i > 0; i--) {
      const child = path[i]!;
      if (child.value !== undefined || child.children !== undefined) return;
      const parent = path[i - 1]!;
      parent.children!.delete(levels[i - 1]!);
      if (parent.children!.size === 0) parent.children = undefined;
    }
  }

  clear(): void {
    this.#root.children = undefined;
    this.#root.value = undefined;
    this.#size = 0;
  }

  match(filter: TopicFilter, onMatch: (value: T) => void): void {
    walk(this.#root, filter.split('/'), 0, onMatch);
  }
}

function walk<T>(at: Node<T>, levels: readonly string[], depth: number, onMatch: (value: T) => void): void {
  if (depth === levels.length) {
    if (at.value !== undefined) onMatch(at.value);
    return;
  }
  const level = levels[depth]!;
  if (level === '#') {
    below(at, depth === 0, onMatch);
    return;
  }
  if (at.children === undefined) return;
  if (level !== '+') {
    const child = at.children.get(level);
    if (child !== undefined) walk(child, levels, depth + 1, onMatch);
    return;
  }
  for (const [name, child] of at.children) {
    if (depth === 0 && name.startsWith('$')) continue;
    walk(child, levels, depth + 1, onMatch);
  }
}

function below<T>(at: Node<T>, root: boolean, onMatch: (value: T) => void): void {
  if (at.value !== undefined) onMatch(at.value);
  if (at.children === undefined) return;
  for (const [name, child] of at.children) {
    if (root && name.startsWith('$')) continue;
    below(child, false, onMatch);
  }
}
