import { tokensToTopic, type Topic } from '@trivium/contracts';
import { FilterTrie } from '@trivium/delivery';
import type { Sleeper, Wish } from './sleeper.ts';

/** A topic seen in the log, and the sessions that want its messages. */
export interface WantedTopic {
  readonly topic: Topic;
  version: number;
  wishes: readonly Wish[];
}

const MAX_TOPICS = 20_000;

/** The filters of all sessions in the index, and a bounded cache of the topics seen. */
export class WantedTopics {
  readonly #trie = new FilterTrie<Wish>();
  #recent = new Map<string, WantedTopic>();
  #older = new Map<string, WantedTopic>();
  #version = 1;

  add(sleeper: Sleeper): void {
    sleeper.filters.forEach(({ filter }, i) => this.#trie.add(filter, sleeper.wishes[i]!));
    this.#version++;
  }

  remove(sleeper: Sleeper): void {
    sleeper.filters.forEach(({ filter }, i) => this.#trie.remove(filter, sleeper.wishes[i]!));
    this.#version++;
  }

  /** By the subject tokens of a topic; undefined when no topic is written so. */
  find(tokens: string): WantedTopic | undefined {
    const known = this.#recent.get(tokens);
    if (known !== undefined) return known;
    const found = this.#older.get(tokens) ?? make(tokens);
    if (found === undefined) return undefined;
    if (this.#recent.size >= MAX_TOPICS) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(tokens, found);
    return found;
  }

  wishes(wanted: WantedTopic): readonly Wish[] {
    if (wanted.version !== this.#version) {
      const wishes: Wish[] = [];
      this.#trie.match(wanted.topic, (wish) => wishes.push(wish));
      wanted.wishes = wishes;
      wanted.version = this.#version;
    }
    return wanted.wishes;
  }
}

function make(tokens: string): WantedTopic | undefined {
  const topic = tokensToTopic(tokens);
  return topic === undefined ? undefined : { topic, version: 0, wishes: [] };
}
