import { isDollar, type Topic, type TopicFilter } from '@trivium/contracts';

interface Node<T> {
  readonly names: Map<string, Node<T>>;
  any: Node<T> | undefined;
  /** Of the filter that ends here. */
  value: T | undefined;
  /** Of the filter that ends with `#` here. */
  rest: T | undefined;
}

/** Values by topic filter; `find` gives that of the most specific filter (`bySpecificity`). */
export interface ContractTree<T> {
  /** False: there is one for this filter already. */
  add(filter: TopicFilter, value: T): boolean;
  find(topic: Topic): T | undefined;
}

export function createContractTree<T>(): ContractTree<T> {
  const node = (): Node<T> => ({ names: new Map(), any: undefined, value: undefined, rest: undefined });
  const root = node();

  const find = (from: Node<T>, levels: readonly string[], at: number): T | undefined => {
    if (at === levels.length) return from.value ?? from.rest;
    const named = from.names.get(levels[at]!);
    const found = named === undefined ? undefined : find(named, levels, at + 1);
    if (found !== undefined) return found;
    // No wildcard at the beginning reaches a topic that begins with $ [MQTT3-4.7.2-1].
    if (at === 0 && isDollar(levels[0]!)) return undefined;
    return (from.any === undefined ? undefined : find(from.any, levels, at + 1)) ?? from.rest;
  };

  return {
    add(filter, value) {
      let here = root;
      for (const level of filter.split('/')) {
        if (level === '#') {
          if (here.rest !== undefined) return false;
          here.rest = value;
          return true;
        }
        if (level === '+') here = here.any ??= node();
        else {
          const next = here.names.get(level) ?? node();
          here.names.set(level, next);
          here = next;
        }
      }
      if (here.value !== undefined) return false;
      here.value = value;
      return true;
    },
    find: (topic) => find(root, topic.split('/'), 0),
  };
}
