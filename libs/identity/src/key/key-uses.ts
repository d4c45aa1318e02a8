import type { Bucket } from '@trivium/bus';
import { apiKeyUseKey, ApiKeyUse, encodeJson } from '@trivium/contracts';

export interface KeyUsesOptions {
  bucket: Pick<Bucket, 'put'>;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

const EVERY_MS = 60_000;

/** Writes down when a key was used, at most once a minute; nobody waits for it, and one that is lost comes again with the next use. */
export function createKeyUses({ bucket, clock }: KeyUsesOptions): (id: string) => void {
  const written = new Map<string, number>();
  return (id) => {
    const at = clock();
    if (at - (written.get(id) ?? -Infinity) < EVERY_MS) return;
    written.set(id, at);
    bucket.put(apiKeyUseKey(id), encodeJson(ApiKeyUse, { v: 1, at })).catch(() => void written.delete(id));
  };
}
