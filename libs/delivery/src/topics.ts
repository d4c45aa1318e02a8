import { tokensToTopic, type Topic } from '@trivium/contracts';
import type { Client } from './client.ts';
import { FilterTrie } from './trie.ts';
import type { Wish } from './wish.ts';

/** What the door knows of one topic: its MQTT form, and who wants it. */
export interface TopicEntry {
  readonly topic: Topic;
  readonly topicField: Uint8Array;
  /** Of the wishes when `matches` was worked out. */
  version: number;
  /** One per client: of its filters that match, the one with the highest QoS. */
  matches: Wish[];
  /** The same by client; made when first asked for. */
  byClient: Map<Client, Wish> | undefined;
  /** Position of the newest retained publish that the feed has handed out: an older record is not sent after it. */
  retainedPos: number;
}

const MAX_TOPICS = 20_000;
const utf8 = new TextEncoder();

/** All wishes of the door, and a bounded cache of the topics seen. */
export class Topics {
  readonly #trie = new FilterTrie<Wish>();
  #recent = new Map<string, TopicEntry>();
  #older = new Map<string, TopicEntry>();
  #version = 1;

  get filters(): number {
    return this.#trie.size;
  }

  add(wish: Wish): void {
    this.#trie.add(wish.sub.filter, wish);
    this.#version++;
  }

  remove(wish: Wish): void {
    this.#trie.remove(wish.sub.filter, wish);
    this.#version++;
  }

  /** By the subject tokens of the topic, as they stand in a message's subject; undefined when no topic is written so. */
  entry(tokens: string): TopicEntry | undefined {
    const known = this.#recent.get(tokens);
    if (known !== undefined) return known;
    const entry = this.#older.get(tokens) ?? makeEntry(tokens);
    if (entry === undefined) return undefined;
    if (this.#recent.size >= MAX_TOPICS) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(tokens, entry);
    return entry;
  }

  matches(entry: TopicEntry): readonly Wish[] {
    if (entry.version !== this.#version) this.#work(entry);
    return entry.matches;
  }

  /** The wish by which a client receives a message on this topic: its matching filter with the highest QoS. */
  best(entry: TopicEntry, client: Client): Wish | undefined {
    if (entry.version !== this.#version) this.#work(entry);
    entry.byClient ??= new Map(entry.matches.map((wish) => [wish.client, wish]));
    return entry.byClient.get(client);
  }

  /** All wishes that match, also several of one client. */
  find(topic: Topic, onMatch: (wish: Wish) => void): void {
    this.#trie.match(topic, onMatch);
  }

  /** The log ends at `last` now. */
  cut(last: number): void {
    for (const known of [this.#recent, this.#older])
      for (const entry of known.values()) entry.retainedPos = Math.min(entry.retainedPos, last);
  }

  #work(entry: TopicEntry): void {
    const best = new Map<Client, Wish>();
    this.find(entry.topic, (wish) => {
      const other = best.get(wish.client);
      if (other === undefined || precedes(wish, other)) best.set(wish.client, wish);
    });
    entry.matches = [...best.values()];
    entry.byClient = undefined;
    entry.version = this.#version;
  }
}

/** A fixed order, so that every path that asks gets the same answer. */
export function precedes(a: Wish, b: Wish): boolean {
  return a.sub.qos > b.sub.qos || (a.sub.qos === b.sub.qos && a.sub.filter < b.sub.filter);
}

function makeEntry(tokens: string): TopicEntry | undefined {
  const topic = tokensToTopic(tokens);
  if (topic === undefined) return undefined;
  const name = utf8.encode(topic);
  const topicField = new Uint8Array(name.length + 2);
  topicField[0] = name.length >> 8;
  topicField[1] = name.length & 0xff;
  topicField.set(name, 2);
  return { topic, topicField, version: 0, matches: [], byClient: undefined, retainedPos: 0 };
}
