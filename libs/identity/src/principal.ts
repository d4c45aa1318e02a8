import { refuse, type Result } from '@trivium/contracts';
import { saslPrepared } from './sasl-prep.ts';

/** The principal of everybody who does not say who he is. No user has this name. */
export const ANONYMOUS = 'anonymous';

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
