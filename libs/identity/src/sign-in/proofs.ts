import { refuse, type Result } from '@trivium/contracts';
import { certificatePrincipal } from '../certificate/certificate-check.ts';
import type { AuthConfig } from '../config.ts';
import type { Directory } from '../directory/directory.ts';
import type { Credentials } from '../identity.ts';
import { looksLikeJwt, type JwtCheck } from '../jwt/jwt-check.ts';
import { looksLikeApiKey } from '../key/api-key.ts';
import { keyPrincipal } from '../key/key-check.ts';
import { userName, type Principal } from '../principal.ts';

/** What a client showed, as what it is to be taken. */
export type Shown =
  | { readonly by: 'nothing' }
  | { readonly by: 'password'; readonly user: string; readonly password: Uint8Array }
  /** `user`: whose it has to be; empty: anybody's. */
  | { readonly by: 'key' | 'jwt'; readonly text: string; readonly user: string }
  | { readonly by: 'certificate'; readonly certificate: Uint8Array };

/** A password that is a JWT or an API key is taken as such. */
export function shownBy(credentials: Credentials, jwtIsTaken: boolean): Shown {
  switch (credentials.by) {
    case 'nothing':
    case 'certificate':
      return credentials;
    case 'token': {
      const { token } = credentials;
      return { by: looksLikeApiKey(token) ? 'key' : 'jwt', text: token, user: '' };
    }
    case 'password': {
      const { user, password } = credentials;
      const text = Buffer.from(password.buffer, password.byteOffset, password.length).toString('latin1');
      if (looksLikeApiKey(text)) return { by: 'key', text, user };
      return jwtIsTaken && looksLikeJwt(text) ? { by: 'jwt', text, user: '' } : credentials;
    }
  }
}

/** What cannot be guessed. */
export type Token = Exclude<Shown, { by: 'nothing' | 'password' }>;

export interface ProofsOptions {
  config: AuthConfig;
  directory: Pick<Directory, 'key'>;
  /** None: no JWT is taken. */
  jwt: JwtCheck | undefined;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

/** Who that proves to be. Reasons of refusals are for the audit. */
export type Proofs = (shown: Token) => Result<Principal> | Promise<Result<Principal>>;

export function createProofs({ config, directory, jwt, clock }: ProofsOptions): Proofs {
  return (shown) => {
    switch (shown.by) {
      case 'key': {
        const principal = keyPrincipal(directory, shown.text, clock());
        if (!principal.ok || shown.user === '') return principal;
        const user = userName(shown.user);
        if (user.ok && user.value === principal.value.name) return principal;
        return refuse('auth.failed', 'the key of somebody else');
      }
      case 'jwt':
        return jwt?.check(shown.text) ?? refuse('auth.failed', 'no JWT is taken here');
      case 'certificate':
        return certificatePrincipal(shown.certificate, config.certificate.name);
    }
  };
}
