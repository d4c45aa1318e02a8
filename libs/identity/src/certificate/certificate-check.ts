import { X509Certificate } from 'node:crypto';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { AuthConfig } from '../config.ts';
import { userName, type Principal } from '../principal.ts';
import { sha256 } from '../scram-verifier.ts';
import { alternativeNames } from './alternative-names.ts';

type NamePart = AuthConfig['certificate']['name'];

const TYPES: Readonly<Record<Exclude<NamePart, 'cn'>, string>> = { dns: 'DNS', uri: 'URI', email: 'email' };

/**
 * Whose certificate it is; that its owner is there, and that a CA of the site vouches for it, the TLS handshake has shown. Exactly one name
 * of the kind that counts must be in it.
 */
export function certificatePrincipal(der: Uint8Array, part: NamePart): Result<Principal> {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    return refuse('auth.failed', 'the certificate cannot be read');
  }
  const [first, ...more] = namesIn(certificate, part);
  if (first === undefined || more.length > 0)
    return refuse('auth.failed', `the certificate has not exactly one name of the kind ${part}`);
  const name = userName(first);
  if (!name.ok) return name;
  const expiresAt = certificate.validToDate.getTime();
  const proof = sha256(certificate.raw).toString('hex');
  return accept({ name: name.value, by: 'certificate', groups: [], claims: {}, proof, expiresAt });
}

function namesIn(certificate: X509Certificate, part: NamePart): string[] {
  if (part === 'cn') {
    const { CN = [] } = certificate.toLegacyObject().subject as { CN?: string | string[] };
    return Array.isArray(CN) ? CN : [CN];
  }
  const names = alternativeNames(certificate.subjectAltName ?? '') ?? [];
  return names.filter(({ type }) => type === TYPES[part]).map(({ value }) => value);
}
