import { accept, refuse, type Result } from '@trivium/contracts';
import type { Credentials } from '@trivium/identity';
import type { AuthFrame } from './codec.ts';

/** What an `auth` frame shows: a token, or a user name and a password. */
export function credentialsOf({ token, user, password }: AuthFrame): Result<Credentials> {
  if (token !== undefined && user === undefined && password === undefined)
    return accept({ by: 'token', token });
  if (token === undefined && user !== undefined && password !== undefined)
    return accept({ by: 'password', user, password: new TextEncoder().encode(password) });
  return refuse('protocol.malformed', 'auth: either "token", or "user" and "password"');
}
