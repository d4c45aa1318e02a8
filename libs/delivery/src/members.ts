/** A list that may lose and gain members while it is walked; walking is a plain array loop. */
export class Members<T extends object> {
  readonly #index = new Map<T, number>();
  #slots: (T | undefined)[] = [];
  #walking = 0;

  get size(): number {
    return this.#index.size;
  }

  add(member: T): void {
    if (this.#index.has(member)) return;
    this.#index.set(member, this.#slots.length);
    this.#slots.push(member);
  }

  delete(member: T): boolean {
    const at = this.#index.get(member);
    if (at === undefined) return false;
    this.#index.delete(member);
    this.#slots[at] = undefined;
    if (this.#walking === 0 && this.#slots.length > 2 * this.#index.size + 16) this.#compact();
    return true;
  }

  /** Members added meanwhile are not visited, removed ones no longer. */
  forEach(visit: (member: T) => void): void {
    this.#walking++;
    const slots = this.#slots;
    for (let i = 0, end = slots.length; i < end; i++) {
      const member = slots[i];
      if (member !== undefined) visit(member);
    }
    this.#walking--;
  }

  #compact(): void {
    this.#slots = [...this.#index.keys()];
    this.#slots.forEach((member, at) => this.#index.set(member!, at));
  }
}
