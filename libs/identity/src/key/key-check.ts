import { timingSafeEqual } from 'node:crypto';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { Directory } from '../directory/directory.ts';
import { Unusable } from '../directory/watched-records.ts';
import type { Principal } from '../principal.ts';
import { apiKeyParts, secretHash } from './api-key.ts';

const NOBODYS = Buffer.alloc(32);

/** Whose key it is. The reason of a refusal is for the audit: it differs, the time does not. */
export function keyPrincipal(
  directory: Pick<Directory, 'key'>,
  text: string,
  nowMs: number,
): Result<Principal> {
  const parts = apiKeyParts(text);
  if (parts === undefined) return refuse('auth.failed', 'not the form of a key');
  const record = directory.key(parts.id);
  const usable = record instanceof Unusable ? undefined : record;
  const stored = usable === undefined ? NOBODYS : Buffer.from(usable.hash, 'hex');
  const same = timingSafeEqual(secretHash(parts.secret), stored);
  if (usable === undefined || !same) {
    if (record instanceof Unusable) return refuse('auth.failed', 'what is stored cannot be read');
    return refuse('auth.failed', record === undefined ? 'no such key' : 'wrong secret');
  }
  const { id, name, groups, expiresAt } = usable;
  if (expiresAt !== undefined && expiresAt <= nowMs) return refuse('auth.failed', 'expired');
  const end = expiresAt === undefined ? {} : { expiresAt };
  return accept({ name, by: 'key', groups, claims: {}, proof: id, ...end });
}
