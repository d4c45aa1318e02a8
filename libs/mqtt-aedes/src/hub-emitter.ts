/** How aedes hands a message to one subscription of one client. Here it only stands for the two. */
export type DeliverFunction = (packet: object, done: () => void) => void;

/** Who gives up a filter when its client does. */
export interface FilterOwner {
  unsubscribe(filter: string): void;
}

/**
 * What aedes has in place of an emitter of its own (`mq`). Nothing is ever emitted here: a message from a client has gone to the hub
 * before aedes gets as far as this, and comes back from there, once, to every subscriber wherever it is. What aedes tells of itself
 * under `$SYS/` stays unheard. All answers are synchronous, so that aedes registers and closes a client within one turn.
 */
export class HubEmitter {
  readonly #owners = new WeakMap<DeliverFunction, FilterOwner>();
  #subscribing: FilterOwner | undefined;

  /** `run` makes aedes subscribe for `owner`: aedes itself does not say for whom. */
  subscribeFor(owner: FilterOwner, run: () => void): void {
    this.#subscribing = owner;
    try {
      run();
    } finally {
      this.#subscribing = undefined;
    }
  }

  on(_filter: string, deliver: DeliverFunction, done?: () => void): this {
    if (this.#subscribing !== undefined) this.#owners.set(deliver, this.#subscribing);
    done?.();
    return this;
  }

  removeListener(filter: string, deliver: DeliverFunction, done?: () => void): this {
    this.#owners.get(deliver)?.unsubscribe(filter);
    this.#owners.delete(deliver);
    done?.();
    return this;
  }

  emit(_packet: object, done?: () => void): this {
    done?.();
    return this;
  }

  close(done?: () => void): void {
    done?.();
  }
}
