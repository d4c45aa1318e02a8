/** Among so few a member is found by looking at each: most lists of a door have one, and a map costs more than all else of theirs. */
const FEW = 8;

/** A list that may lose and gain members while it is walked; walking is a plain array loop. */
export class Members<T extends NonNullable<unknown>> {
  /** Where each one is; made when there are more than a few. */
  #index: Map<T, number> | undefined;
  #slots: (T | undefined)[] = [];
  #size = 0;
  #walking = 0;

  get size(): number {
    return this.#size;
  }

  add(member: T): boolean {
    if (this.#at(member) >= 0) return false;
    this.#index?.set(member, this.#slots.length);
    // A pushed-to empty array has room for 17.
    if (this.#slots.length === 0) this.#slots = [member];
    else this.#slots.push(member);
    this.#size++;
    if (this.#index === undefined && this.#size > FEW) this.#index = this.#positions();
    return true;
  }

  delete(member: T): boolean {
    const at = this.#at(member);
    if (at < 0) return false;
    this.#index?.delete(member);
    this.#slots[at] = undefined;
    this.#size--;
    if (this.#walking === 0 && this.#slots.length > 2 * this.#size + 16) this.#compact();
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

  #at(member: T): number {
    return this.#index === undefined ? this.#slots.indexOf(member) : (this.#index.get(member) ?? -1);
  }

  #compact(): void {
    this.#slots = this.#slots.filter((slot) => slot !== undefined);
    if (this.#index !== undefined) this.#index = this.#size > FEW ? this.#positions() : undefined;
  }

  #positions(): Map<T, number> {
    const index = new Map<T, number>();
    for (const [at, member] of this.#slots.entries()) if (member !== undefined) index.set(member, at);
    return index;
  }
}
