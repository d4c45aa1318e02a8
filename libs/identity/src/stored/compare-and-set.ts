import type { Bucket } from '@trivium/bus';
import { TriviumError } from '@trivium/contracts';

const TRIES = 16;

/**
 * Makes the value of a key anew from the one that is there, however many others write it. `change` throws what is not possible. Rejects
 * with `bus.unavailable` or `bus.timeout` when the outcome is unknown.
 */
export async function compareAndSet(
  bucket: Pick<Bucket, 'get' | 'put'>,
  key: string,
  change: (value: Uint8Array | undefined) => Uint8Array,
): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const now = await bucket.get(key);
    const revision = await bucket.put(key, change(now?.value), { expect: now?.revision ?? 0 });
    if (revision !== undefined) return;
  }
  throw new TriviumError('bus.overloaded', 'others change it all the time');
}
