import { refuse, type Result } from '@trivium/contracts';
import type { Identity, Principal, Source } from '@trivium/identity';
import type { Peer } from './aedes-door.ts';

const NOTHING = new Uint8Array(0);

/** Who a client is by what CONNECT and the TLS handshake show; both must prove the same. At once where that is known at once. */
export function signIn(
  identity: Identity,
  { certificate }: Pick<Peer, 'certificate'>,
  user: string | null | undefined,
  password: Uint8Array | null | undefined,
  source: Source,
): Result<Principal> | Promise<Result<Principal>> {
  const named =
    user === undefined || user === null
      ? undefined
      : identity.signIn({ by: 'password', user, password: password ?? NOTHING }, source);
  const shown = certificate && identity.signIn({ by: 'certificate', certificate }, source);
  if (named === undefined || shown === undefined)
    return named ?? shown ?? identity.signIn({ by: 'nothing' }, source);
  return Promise.all([named, shown]).then(([first, second]) => {
    if (!first.ok || !second.ok) return first.ok ? second : first;
    if (first.value.name === second.value.name) return first;
    return refuse('auth.failed', 'user name and certificate are of different principals');
  });
}
