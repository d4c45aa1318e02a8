import { webcrypto } from 'node:crypto';
import { CommandError } from '../command.ts';
import { readFile } from '../read-file.ts';
import { PemConverter } from './x509.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** ECDSA on P-256: what every TLS client speaks, and cheap for a microcontroller. */
export function newKeyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
}

/** PKCS #8. */
export async function privateKeyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return `${PemConverter.encode(bytes, 'PRIVATE KEY')}\n`;
}

/** Throws a `CommandError` when the file has no such key. */
export async function readPrivateKey(path: string): Promise<webcrypto.CryptoKey> {
  const pem = readFile(path).toString();
  try {
    return await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), P256, false, ['sign']);
  } catch {
    throw new CommandError(`${path}: no private key (PKCS #8, P-256) is in it`);
  }
}
