import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const KEY_BYTES = 32;

/**
 * Passwords that were right, so that a reconnect or the next HTTP request costs no argon2: one for each user, as an HMAC under a key that
 * only this process has, good for as long as the stored password (`mark`) stays. Bounded: the oldest go.
 */
export interface PasswordMemory {
  knows(name: string, mark: string, password: string): boolean;
  learn(name: string, mark: string, password: string): void;
}

export function createPasswordMemory(most: number): PasswordMemory {
  const key = randomBytes(KEY_BYTES);
  const known = new Map<string, Buffer>();
  const tag = (mark: string, password: string): Buffer =>
    createHmac('sha256', key).update(`${mark} ${password}`, 'utf8').digest();

  return {
    knows(name, mark, password) {
      const found = known.get(name);
      return found !== undefined && timingSafeEqual(found, tag(mark, password));
    },
    learn(name, mark, password) {
      known.delete(name);
      if (known.size >= most) known.delete(known.keys().next().value!);
      known.set(name, tag(mark, password));
    },
  };
}
