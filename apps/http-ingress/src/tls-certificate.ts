import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { HttpConfig } from './config.ts';

/** A certificate with what it depends on, and its private key: PEM. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Paths of the two files. */
export interface CertificateFiles {
  readonly tlsCert: string;
  readonly tlsKey: string;
}

/** The files that are set, when both are. */
export function certificateFilesOf({ tlsCert, tlsKey }: Pick<HttpConfig, 'tlsCert' | 'tlsKey'>) {
  return tlsCert === undefined || tlsKey === undefined ? undefined : { tlsCert, tlsKey };
}

/** @throws when a file cannot be read, is no PEM, or the two do not belong together */
export function readCertificate({ tlsCert, tlsKey }: CertificateFiles): TlsCertificate {
  const certificate = { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') };
  const own = new X509Certificate(certificate.cert);
  if (!own.checkPrivateKey(createPrivateKey(certificate.key)))
    throw new Error('the key is not that of the certificate');
  createSecureContext(certificate);
  return certificate;
}

/** What is wrong with the settings of the certificate, by the setting. */
export function certificateFaults(
  config: Pick<HttpConfig, 'tlsCert' | 'tlsKey'>,
): { setting: 'tlsCert' | 'tlsKey'; message: string }[] {
  const { tlsCert, tlsKey } = config;
  if (tlsCert === undefined && tlsKey === undefined) return [];
  if (tlsKey === undefined)
    return [{ setting: 'tlsKey', message: 'is not set, and tlsCert is; set both or neither' }];
  if (tlsCert === undefined)
    return [{ setting: 'tlsCert', message: 'is not set, and tlsKey is; set both or neither' }];
  const unreadable = [
    ...faultOf('tlsCert', () => readFileSync(tlsCert)),
    ...faultOf('tlsKey', () => readFileSync(tlsKey)),
  ];
  if (unreadable.length > 0) return unreadable;
  const broken = faultOf('tlsCert', () => new X509Certificate(readFileSync(tlsCert)));
  return broken.length > 0 ? broken : faultOf('tlsKey', () => readCertificate({ tlsCert, tlsKey }));
}

function faultOf(setting: 'tlsCert' | 'tlsKey', use: () => unknown) {
  try {
    use();
    return [];
  } catch (error) {
    return [{ setting, message: `cannot be used: ${(error as Error).message}` }];
  }
}
