import type { IncomingMessage } from 'node:http';
import { accept, refuse, type Result } from '@trivium/contracts';
import { clientIdOf } from './client-id.ts';
import { chooseSubprotocol, SPOKEN_SUBPROTOCOLS, type ChosenSubprotocol } from './subprotocol.ts';

export interface UpgradeRules {
  /** Empty: all pages may connect. Clients that are no browser send no origin and may always. */
  readonly origins: readonly string[];
  readonly maxClientIdBytes: number;
}

export interface Upgrade {
  readonly subprotocol: ChosenSubprotocol;
  /** What the client wants to be called; `trivium.v1` only, in MQTT it says so itself. */
  readonly clientId: string | undefined;
}

/** What a request to upgrade asks for, or why it is refused before it becomes a WebSocket. */
export function readUpgrade(
  { url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  rules: UpgradeRules,
): Result<Upgrade> {
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
  if (subprotocol.speaks === 'mqtt') return accept({ subprotocol, clientId: undefined });
  const clientId = clientIdOf(url, rules.maxClientIdBytes);
  return clientId.ok ? accept({ subprotocol, clientId: clientId.value }) : clientId;
}
