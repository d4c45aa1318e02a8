import { ANONYMOUS, refuse, type Result } from '@trivium/contracts';
import { saslPrepared } from './sasl-prep.ts';

/** Somebody who has proved who it is, or nobody in particular. Sessions, queues and wills belong to its name. */
export interface Principal {
  readonly name: string;
  readonly by: 'nothing' | 'password' | 'scram' | 'jwt' | 'key' | 'certificate';
  /** What the proof itself says; with a stored credential its groups of now count. */
  readonly groups: readonly string[];
  /** Of a JWT: its claims that are text or numbers, as text. */
  readonly claims: Readonly<Record<string, string>>;
  /** When the proof ends, milliseconds since the epoch: connections by it end then. */
  readonly expiresAt?: number;
  /** What was proved with: it must still be stored, unchanged. The id of an API key, a mark of the password, or nothing. */
  readonly proof?: string;
}

export const ANONYMOUS_PRINCIPAL: Principal = {
  name: ANONYMOUS,
  by: 'nothing',
  groups: [ANONYMOUS],
  claims: {},
};

const MOST_NAME_BYTES = 256;

/** A user's name in the one form in which names are compared (SASLprep); it is the name of the user's principal. */
export function userName(text: string): Result<string> {
  const prepared = saslPrepared(text, 'a user name');
  if (!prepared.ok) return prepared;
  const name = prepared.value;
  if (Buffer.byteLength(name) > MOST_NAME_BYTES)
    return refuse('auth.failed', `a user name has at most ${MOST_NAME_BYTES} bytes`);
  if (name === ANONYMOUS) return refuse('auth.failed', `no user is called ${ANONYMOUS}`);
  return prepared;
}
