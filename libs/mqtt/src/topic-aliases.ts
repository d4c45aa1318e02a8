import type { FrameOptions } from './publish-frames.ts';

/**
 * Topic aliases towards one client (MQTT 5, section 3.3.2.3.4): the first topics that it is sent get a number each, as many as it allows.
 * They hold for one connection, and only for packets that leave in the order in which they are made.
 */
export class TopicAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();
  /** The alias that the last `of` gave out for the first time. */
  #told: number | undefined;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias of a topic, and whether the client knows it already; undefined: it has none. */
  of(topic: string): { readonly alias: number; readonly known: boolean } | undefined {
    const alias = this.#aliases.get(topic);
    this.#told = undefined;
    if (alias !== undefined) return { alias, known: true };
    if (this.#aliases.size >= this.#maximum) return undefined;
    this.#told = this.#aliases.size + 1;
    this.#aliases.set(topic, this.#aliases.size + 1);
    return { alias: this.#aliases.size, known: false };
  }

  /** The alias of a topic that the client knows already: for packets that leave later than others made after them. */
  known(topic: string): { readonly alias: number; readonly known: true } | undefined {
    const alias = this.#aliases.get(topic);
    this.#told = undefined;
    return alias === undefined ? undefined : { alias, known: true };
  }

  /** The packet for which `of` was called last, for this topic, does not leave: an alias that it would have told is not known. */
  undo(topic: string): void {
    if (this.#told !== undefined && this.#aliases.get(topic) === this.#told) this.#aliases.delete(topic);
  }
}

/** With the alias that was found, if any. */
export function aliased(options: FrameOptions, found: ReturnType<TopicAliases['of']>): FrameOptions {
  if (found === undefined) return options;
  return { ...options, own: { ...options.own, topicAlias: found.alias }, aliased: found.known };
}
