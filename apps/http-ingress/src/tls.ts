import type { Logger } from '@trivium/bus';
import { createCertificateReload } from './certificate-reload.ts';
import { certificateFilesOf, readCertificate } from './tls-certificate.ts';
import { createTlsListener, type TlsListener, type TlsListenerOptions } from './tls-listener.ts';

/**
 * The listener of HTTPS with the certificate that is set, and with the next one when its files change; undefined when none is set.
 * @throws when it cannot be used
 */
export function openTls(
  options: Omit<TlsListenerOptions, 'certificate'> & { logger: Logger },
): TlsListener | undefined {
  const { config, clock, logger } = options;
  const files = certificateFilesOf(config);
  if (files === undefined) return undefined;
  const certificate = readCertificate(files);
  const listener = createTlsListener({ ...options, certificate });
  const reload = createCertificateReload({
    ...{ files, current: certificate, use: listener.use, logger },
    nowMs: clock.now(),
  });
  return {
    ...listener,
    tick(nowMs) {
      listener.tick(nowMs);
      reload.tick(nowMs);
    },
  };
}
