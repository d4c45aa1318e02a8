import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** A certificate with what it depends on, and its private key: PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** Paths of the two files. */
export interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

/** The two files of `cert.pem:key.pem`; undefined when it is not that. */
export function pairOf(text: string): PairFiles | undefined {
  const [, cert, key] = /^(.+):([^:]+)$/.exec(text) ?? [];
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** @throws when a file cannot be read, is no PEM, or the two do not belong together */
export function readPair(files: PairFiles): CertificatePair {
  const pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
  const own = new X509Certificate(pair.cert);
  if (!own.checkPrivateKey(createPrivateKey(pair.key)))
    throw new Error('the key is not that of the certificate');
  createSecureContext(pair);
  return pair;
}
