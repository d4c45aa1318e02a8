import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ERRORS, type ErrorCode, type PublicError } from '@trivium/contracts';
import type { Identity, Principal, Source } from '@trivium/identity';
import { isLoopback } from '@trivium/service';
import type { Entered, Entrant, Entry } from './entry.ts';
import { readUpgrade, type Upgrade, type UpgradeRules } from './upgrade.ts';

/** What becomes of a request to upgrade. */
export type Admission = Admitted | { readonly is: 'refused'; readonly error: PublicError };

export type Admitted =
  /** `principal`: who the request proved to be from; undefined: CONNECT, or the certificate, says. */
  | { readonly is: 'mqtt'; readonly principal: Principal | undefined }
  | { readonly is: 'entered'; readonly entrant: Entrant; readonly entered: Entered }
  /** Its first frame says who it is. */
  | { readonly is: 'awaited'; readonly entrant: Entrant }
  /** Told by a close code, once it is a WebSocket. */
  | { readonly is: 'turned away'; readonly error: PublicError };

export interface AdmissionOptions {
  identity: Pick<Identity, 'signIn'>;
  entry: Entry;
  rules: UpgradeRules;
  /** The listener can be reached from this machine only. */
  loopback: boolean;
}

/** Refusals that a web page has to hear of. */
const ABOUT_IDENTITY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'auth.required',
  'auth.failed',
  'auth.denied',
  'rate.limited',
]);

const RETRY_AFTER_MS = 2_000;

export function refusal(code: ErrorCode, message: string = ERRORS[code].summary): Admission {
  return { is: 'refused', error: { code, message, retryAfterMs: RETRY_AFTER_MS } };
}

/** Who may upgrade, as what. Never rejects. */
export function createAdmission({ identity, entry, rules, loopback }: AdmissionOptions) {
  /** A certificate counts with what CONNECT says. */
  const admitMqtt = async ({ credentials }: Upgrade, source: Source): Promise<Admission> => {
    if (credentials.by === 'nothing' || credentials.by === 'certificate')
      return { is: 'mqtt', principal: undefined };
    const signedIn = await identity.signIn(credentials, source);
    return signedIn.ok ? { is: 'mqtt', principal: signedIn.value } : { is: 'refused', error: signedIn.error };
  };

  const admitTrivium = async (upgrade: Upgrade, from: Source): Promise<Admission> => {
    const { credentials, clientId, firstFrame, unheard } = upgrade;
    const id = clientId ?? `ws-${randomBytes(9).toString('base64url')}`;
    const entrant = { id, assigned: clientId === undefined, source: { ...from, client: id } };
    if (firstFrame) return { is: 'awaited', entrant };
    const entered = await entry.enter(credentials, entrant);
    if (entered.ok) return { is: 'entered', entrant, entered: entered.value };
    const { error } = entered;
    if (error.code === 'auth.required' && credentials.by === 'nothing') return { is: 'awaited', entrant };
    return { is: unheard && ABOUT_IDENTITY.has(error.code) ? 'turned away' : 'refused', error };
  };

  return async (request: IncomingMessage): Promise<Admission> => {
    const upgrade = readUpgrade(request, rules);
    if (!upgrade.ok) return { is: 'refused', error: upgrade.error };
    const { remoteAddress: address = '' } = request.socket;
    // A balancer on this machine brings clients from others to a listener on loopback.
    const source: Source = { address, loopback: loopback && isLoopback(address) };
    return upgrade.value.subprotocol.speaks === 'mqtt'
      ? admitMqtt(upgrade.value, source)
      : admitTrivium(upgrade.value, source);
  };
}
