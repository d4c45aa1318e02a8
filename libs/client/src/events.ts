/** Listeners by event, for a map of event names to what they tell. */
export interface Events<E> {
  /** Returns how to stop listening. */
  on<K extends keyof E>(event: K, listener: (told: E[K]) => void): () => void;
  /** Whether somebody listened. */
  emit<K extends keyof E>(event: K, told: E[K]): boolean;
}

export function createEvents<E>(): Events<E> {
  const listeners = new Map<keyof E, Set<(told: never) => void>>();
  return {
    on(event, listener) {
      const own = listeners.get(event) ?? new Set();
      listeners.set(event, own);
      own.add(listener);
      return () => void own.delete(listener);
    },
    emit(event, told) {
      const own = listeners.get(event);
      if (own === undefined || own.size === 0) return false;
      for (const listener of [...own]) listener(told as never);
      return true;
    },
  };
}
