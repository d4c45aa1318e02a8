/**
 * Topic aliases towards one client (MQTT 5, section 3.3.2.3.4): the first topics that it is sent get a number each, as many as it allows.
 * They hold for one connection, and only for packets that leave in the order in which they are made.
 */
export class TopicAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias of a topic, and whether the client knows it already; undefined: it has none. */
  of(topic: string): { readonly alias: number; readonly known: boolean } | undefined {
    const alias = this.#aliases.get(topic);
    if (alias !== undefined) return { alias, known: true };
    if (this.#aliases.size >= this.#maximum) return undefined;
    this.#aliases.set(topic, this.#aliases.size + 1);
    return { alias: this.#aliases.size, known: false };
  }
}
