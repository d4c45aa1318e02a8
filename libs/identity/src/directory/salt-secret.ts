import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bucket, Logger } from '@trivium/bus';
import { SALT_SECRET_KEY } from '@trivium/contracts';

const BYTES = 32;
const RETRY_MS = 500;

/** What the salts of users that do not exist are made from, one for the whole site: made by whoever comes first. Tries until `signal`. */
export async function saltSecret(
  bucket: Pick<Bucket, 'get' | 'put'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<Uint8Array> {
  while (!signal.aborted) {
    try {
      const entry = await bucket.get(SALT_SECRET_KEY);
      if (entry?.value.length === BYTES) return entry.value;
      await bucket.put(SALT_SECRET_KEY, randomBytes(BYTES), { expect: entry?.revision ?? 0 });
    } catch (error) {
      logger.warn({ error }, 'the secret of the salts cannot be read yet');
      await pause(RETRY_MS, undefined, { ref: false });
    }
  }
  return randomBytes(BYTES);
}
