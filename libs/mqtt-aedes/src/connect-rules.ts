import type { Refusal } from '@trivium/contracts';

/** What the door looks at in a CONNECT that aedes has read. */
export interface ConnectRequest {
  readonly protocolVersion?: number | undefined;
  readonly clientId: string;
  readonly clean?: boolean | undefined;
  readonly will?: unknown;
}

/** Stands where a string was not UTF-8: aedes' parser puts it there. */
export const REPLACEMENT = '\uFFFD';

/** Why a CONNECT is refused: what aedes would grant from its own memory, or grant wrongly. */
export function connectRefusal(request: ConnectRequest, maxClientIdBytes: number): Refusal | undefined {
  const { clientId, clean, protocolVersion, will } = request;
  if (clientId === '' && (clean !== true || protocolVersion === 3)) return invalidId('empty'); // [MQTT3-3.1.3-8]
  if (Buffer.byteLength(clientId) > maxClientIdBytes) return invalidId('too long');
  if (clientId.includes('\0') || clientId.includes(REPLACEMENT))
    return invalidId('not a UTF-8 string of MQTT');
  if (clean !== true)
    return { code: 'protocol.unsupported', message: 'persistent sessions are not offered through aedes' };
  if (will !== undefined)
    return { code: 'protocol.unsupported', message: 'wills are not offered through aedes' };
  return undefined;
}

function invalidId(message: string): Refusal {
  return { code: 'client-id.invalid', message: `client id: ${message}` };
}
