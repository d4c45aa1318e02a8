import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readPair, type CertificatePair } from './certificate-pair.ts';
import { parseRevocationLists, type RevocationLists } from './revocation-list.ts';
import { pathsOf, type TlsFiles } from './tls-files.ts';

/** What the files say. */
export interface TlsMaterial {
  readonly own: CertificatePair;
  readonly hosts: ReadonlyMap<string, CertificatePair>;
  /** PEM. */
  readonly clientCa: string | undefined;
  readonly revocation: RevocationLists | undefined;
}

/** @throws when one of them cannot be used */
export function readMaterial({ own, hosts, clientCa, revocationList }: TlsFiles): TlsMaterial {
  return {
    own: readPair(own),
    hosts: new Map(Array.from(hosts, ([host, files]) => [host, readPair(files)])),
    clientCa: clientCa === undefined ? undefined : readAuthorities(clientCa),
    revocation:
      revocationList === undefined ? undefined : parseRevocationLists(readFileSync(revocationList, 'utf8')),
  };
}

/** @throws when there is no certificate in the file */
export function readAuthorities(file: string): string {
  const text = readFileSync(file, 'utf8');
  new X509Certificate(text);
  return text;
}

/** All the files as one text, to be compared; nothing when one is away. */
export function textOf(files: TlsFiles): string {
  try {
    return pathsOf(files)
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
  } catch {
    return '';
  }
}
