import { saslprep } from '@mongodb-js/saslprep';
import { accept, refuse, type Result } from '@trivium/contracts';

/**
 * SASLprep (RFC 4013) of a name or password: what looks alike is alike, whatever keyboard it was typed on. Refused are control
 * characters, code points that Unicode 3.2 had not assigned, mixed directions of writing, and what is empty afterwards.
 */
export function saslPrepared(text: string, what: string): Result<string> {
  try {
    const prepared = saslprep(text);
    return prepared === '' ? refuse('auth.failed', `${what} is not empty`) : accept(prepared);
  } catch {
    return refuse('auth.failed', `${what} has only characters that SASLprep allows`);
  }
}
