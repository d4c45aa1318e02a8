import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pairOf } from '@trivium/tls';
import type { HubSettings } from '../../hub-settings.ts';
import { fail, ok, warn, type Finding } from '../finding.ts';
import { checkValidity, DAY_MS, SOON_DAYS, subjectOf } from './validity.ts';

/** Those that the settings name, and the list of those that are revoked. */
export async function checkCertificates(settings: HubSettings, nowMs: number): Promise<Finding[]> {
  const { tls, mqtt, ws, http, nats } = settings;
  const hosts = Object.entries(tls.hosts).map(
    ([host, files]) => [`tls.hosts.${host}`, pairOf(files)?.cert] as const,
  );
  const named = Object.entries({
    ...{ 'tls.cert': tls.cert, 'tls.clientCa': tls.clientCa, 'nats.ca': nats.ca },
    ...{ 'mqtt.tlsCert': mqtt.tlsCert, 'ws.tlsCert': ws.tlsCert, 'http.tlsCert': http.tlsCert },
  });
  const certificates = [...named, ...hosts].flatMap(([setting, file]) =>
    file === undefined ? [] : checkFile(setting, file, nowMs),
  );
  return tls.revocationList === undefined
    ? certificates
    : [...certificates, await checkList(tls.revocationList, nowMs)];
}

/** One whose time is over refuses everybody who shows a certificate. */
async function checkList(file: string, nowMs: number): Promise<Finding> {
  const about = 'certificates';
  const { X509Crl } = await import('../../certs/x509.ts');
  try {
    const { nextUpdate, entries } = new X509Crl(readFileSync(file, 'utf8'));
    const text = `tls.revocationList (${file}) has ${entries.length} certificates`;
    if (nextUpdate === undefined) return ok(about, text);
    const until = nextUpdate.toISOString().slice(0, 10);
    const days = Math.floor((nextUpdate.getTime() - nowMs) / DAY_MS);
    const renew = 'have the authority write a new one; doors read it again by themselves';
    if (days < 0)
      return fail(about, `${text}, and its time was over on ${until}: no client certificate is taken`, renew);
    return days < SOON_DAYS
      ? warn(about, `${text}, and its time is over on ${until}`, renew)
      : ok(about, text);
  } catch {
    return fail(about, `tls.revocationList: no list can be read from ${file}`, 'correct tls.revocationList');
  }
}

function checkFile(setting: string, file: string, nowMs: number): Finding {
  const about = 'certificates';
  try {
    const certificate = new X509Certificate(readFileSync(file));
    return checkValidity(about, `${setting} (${subjectOf(certificate)} in ${file})`, certificate, nowMs);
  } catch (error) {
    return fail(
      about,
      `${setting}: ${(error as Error).message}`,
      `no certificate can be read from ${file}: correct ${setting}`,
    );
  }
}
