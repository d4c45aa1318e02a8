import type { IncomingMessage } from 'node:http';
import { accept, refuse, type Result } from '@trivium/contracts';
import { requestCredentials, type Credentials } from '@trivium/identity';
import { accessTokenOf, clientIdOf } from './client-id.ts';
import {
  chooseSubprotocol,
  proofOffered,
  SPOKEN_SUBPROTOCOLS,
  type ChosenSubprotocol,
} from './subprotocol.ts';

export interface UpgradeRules {
  /** Empty: all pages may connect. Clients that are no browser send no origin and may always. */
  readonly origins: readonly string[];
  readonly maxClientIdBytes: number;
}

export interface Upgrade {
  readonly subprotocol: ChosenSubprotocol;
  /** What the client wants to be called; `trivium.v1` only, in MQTT it says so itself. */
  readonly clientId: string | undefined;
  readonly credentials: Credentials;
  /** It says in its first frame who it is; `trivium.v1` only. */
  readonly firstFrame: boolean;
  /** It may be a web page, which is not told why a request to upgrade is refused: it is told by a close code. */
  readonly unheard: boolean;
}

/** What a request to upgrade asks for, or why it is refused before it becomes a WebSocket. */
export function readUpgrade(
  request: Pick<IncomingMessage, 'url' | 'headers' | 'socket'>,
  rules: UpgradeRules,
): Result<Upgrade> {
  const { url = '/', headers } = request;
  const { origin } = headers;
  if (rules.origins.length > 0 && origin !== undefined && !rules.origins.includes(origin))
    return refuse('auth.denied', 'pages of this origin may not connect');
  const offered = headers['sec-websocket-protocol'];
  const subprotocol = chooseSubprotocol(offered);
  if (subprotocol === undefined) {
    const what =
      offered === undefined ? 'no subprotocol was offered' : 'no offered subprotocol is spoken here';
    return refuse('subprotocol.required', `${what}; there are ${SPOKEN_SUBPROTOCOLS}`);
  }
  const { token, followsInFirstFrame } = proofOffered(offered);
  const credentials = requestCredentials(request, token ?? accessTokenOf(url));
  if (!credentials.ok) return credentials;
  const shown = { subprotocol, credentials: credentials.value };
  if (subprotocol.speaks === 'mqtt')
    return accept({ ...shown, clientId: undefined, firstFrame: false, unheard: false });
  const clientId = clientIdOf(url, rules.maxClientIdBytes);
  if (!clientId.ok) return clientId;
  const { by } = credentials.value;
  return accept({
    ...shown,
    clientId: clientId.value,
    firstFrame: followsInFirstFrame && (by === 'nothing' || by === 'certificate'),
    unheard: headers.authorization === undefined && by !== 'certificate',
  });
}
