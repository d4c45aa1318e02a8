import { readFileSync } from 'node:fs';
import type { Logger } from '@trivium/bus';
import { readCertificate, type CertificateFiles, type TlsCertificate } from './tls-certificate.ts';

/** The files are looked at this often. Their text is compared: times of files say little when a volume is swapped under them. */
const LOOK_EVERY_MS = 5_000;

export interface CertificateReloadOptions {
  files: CertificateFiles;
  /** The one that is in use. */
  current: TlsCertificate;
  use(certificate: TlsCertificate): void;
  logger: Logger;
  nowMs: number;
}

/** Looks for another certificate at the turns of the door's clock; one that cannot be used is logged once, and the old one stays. */
export function createCertificateReload({ files, current, use, logger, nowMs }: CertificateReloadOptions) {
  let seen = `${current.cert}\n${current.key}`;
  let lookedAtMs = nowMs;
  return {
    tick(nowMs: number): void {
      if (nowMs - lookedAtMs < LOOK_EVERY_MS) return;
      lookedAtMs = nowMs;
      const found = textOf(files);
      if (found === seen) return;
      seen = found;
      try {
        use(readCertificate(files));
        logger.info({ file: files.tlsCert }, 'a new certificate is in use');
      } catch (error) {
        logger.error({ err: error, ...files }, 'a new certificate cannot be used; the old one stays');
      }
    },
  };
}

/** Nothing when a file is away. */
function textOf({ tlsCert, tlsKey }: CertificateFiles): string {
  try {
    return `${readFileSync(tlsCert, 'utf8')}\n${readFileSync(tlsKey, 'utf8')}`;
  } catch {
    return '';
  }
}
