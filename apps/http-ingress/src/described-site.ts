import type { DescribedSite } from '@trivium/message-contracts';
import type { Config } from './config.ts';

/** What the descriptions say of the site, from the settings that all doors share: a certificate that another door has for itself is not known here. */
export function describedSite({
  auth,
  tls,
}: {
  auth: Pick<Config['auth'], 'required'>;
  tls: Pick<Config['tls'], 'cert' | 'clientCertificates'>;
}): DescribedSite {
  const isTls = tls.cert !== undefined;
  return {
    authRequired: auth.required,
    clientCertificates: tls.clientCertificates !== 'off',
    tls: { mqtt: isTls, ws: isTls, http: isTls },
  };
}
