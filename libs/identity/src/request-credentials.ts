import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { accept, fromBase64, refuse, type Result } from '@trivium/contracts';
import type { Credentials } from './identity.ts';

/** What a refusal for want of credentials says in `WWW-Authenticate` [RFC9110-11.6.1]. */
export const CHALLENGES = 'Basic realm="trivium", Bearer';

const NOTHING: Credentials = { by: 'nothing' };

/**
 * What an HTTP request, or one to upgrade, shows: its header `Authorization`, else `token`, which it says elsewhere, else the certificate of
 * its connection. Refused with `auth.failed`: it shows something that cannot be read.
 */
export function requestCredentials(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  token?: string,
): Result<Credentials> {
  const { authorization } = headers;
  if (authorization !== undefined) return readAuthorization(authorization);
  if (token !== undefined)
    return token === '' ? refuse('auth.failed', 'the token is empty') : accept({ by: 'token', token });
  const certificate = provenCertificate(socket);
  return accept(certificate === undefined ? NOTHING : { by: 'certificate', certificate });
}

/** The certificate of the client, DER, when the handshake has proved it; else undefined. */
export function provenCertificate(socket: Socket): Uint8Array | undefined {
  const { authorized, getPeerX509Certificate } = socket as Partial<TLSSocket>;
  if (authorized !== true || getPeerX509Certificate === undefined) return undefined;
  return (socket as TLSSocket).getPeerX509Certificate()?.raw;
}

function readAuthorization(header: string): Result<Credentials> {
  const [, scheme = '', value = ''] = /^([^ ]+) +([^ ]+) *$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return accept({ by: 'token', token: value });
    case 'basic':
      return readBasic(value);
    default:
      return refuse('auth.failed', 'the header Authorization is neither Basic nor Bearer');
  }
}

/** [RFC7617-2] */
function readBasic(value: string): Result<Credentials> {
  const bytes = fromBase64(value);
  const colon = bytes?.indexOf(0x3a) ?? -1;
  if (bytes === undefined || colon === -1)
    return refuse('auth.failed', 'the header Authorization has no user name and password');
  try {
    const user = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, colon));
    return accept({ by: 'password', user, password: bytes.subarray(colon + 1) });
  } catch {
    return refuse('auth.failed', 'the user name is not UTF-8');
  }
}
