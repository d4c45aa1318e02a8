import { createHmac, randomBytes } from 'node:crypto';

/** Guesses that are being heard: who makes the same one meanwhile gets the same answer, as it is no other guess and no other work. */
export interface SameGuesses<A> {
  find(name: string, password: string): Promise<A> | undefined;
  /** Until it is answered. */
  add(name: string, password: string, answer: Promise<A>): void;
}

export function createSameGuesses<A>(): SameGuesses<A> {
  const key = randomBytes(32);
  const heard = new Map<string, Promise<A>>();
  const tag = (name: string, password: string): string =>
    createHmac('sha256', key).update(`${name}\0${password}`, 'utf8').digest('base64');

  return {
    find: (name, password) => (heard.size === 0 ? undefined : heard.get(tag(name, password))),
    add(name, password, answer) {
      const id = tag(name, password);
      heard.set(id, answer);
      void answer.finally(() => heard.delete(id));
    },
  };
}
