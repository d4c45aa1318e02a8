import { sha256 } from '../scram-verifier.ts';

const PREFIX = 'tvk_';
const FORM = /^tvk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

export interface ApiKeyParts {
  /** No secret. */
  readonly id: string;
  /** 32 random bytes in base64url. */
  readonly secret: string;
}

/** Of `tvk_<id>_<secret>`; undefined for anything else. */
export function apiKeyParts(text: string): ApiKeyParts | undefined {
  const match = FORM.exec(text);
  return match === null ? undefined : { id: match[1]!, secret: match[2]! };
}

/** It says that it is a key, be it one or not. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

export function keyText(id: string, secret: string): string {
  return `${PREFIX}${id}_${secret}`;
}

/** What is kept of the secret. */
export function secretHash(secret: string): Buffer {
  return sha256(Buffer.from(secret, 'ascii'));
}
