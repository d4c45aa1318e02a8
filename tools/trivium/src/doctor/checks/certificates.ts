import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HubSettings } from '../../hub-settings.ts';
import { fail, ok, warn, type Finding } from '../finding.ts';

const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

/** Those that the settings name. */
export function checkCertificates({ tls, mqtt, ws, http, nats }: HubSettings, nowMs: number): Finding[] {
  const named = {
    ...{ 'tls.cert': tls.cert, 'tls.clientCa': tls.clientCa, 'nats.ca': nats.ca ?? '' },
    ...{ 'mqtt.tlsCert': mqtt.tlsCert, 'ws.tlsCert': ws.tlsCert, 'http.tlsCert': http.tlsCert },
  };
  return Object.entries(named).flatMap(([setting, file]) =>
    file === '' ? [] : checkFile(setting, file, nowMs),
  );
}

function checkFile(setting: string, file: string, nowMs: number): Finding {
  const about = 'certificates';
  const renew = 'put a new one in its place; doors read it again by themselves';
  try {
    const { subject, validFromDate, validToDate } = new X509Certificate(readFileSync(file));
    const what = `${setting} (${subject.replaceAll('\n', ', ')} in ${file})`;
    const until = validToDate.toISOString().slice(0, 10);
    const days = Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
    if (validFromDate.getTime() > nowMs)
      return fail(
        about,
        `${what} is not valid yet`,
        'look at the clock of this machine, or put another in its place',
      );
    if (days < 0) return fail(about, `${what} has expired on ${until}: clients turn away`, renew);
    if (days < SOON_DAYS) return warn(about, `${what} expires in ${days} days, on ${until}`, renew);
    return ok(about, `${what} is valid until ${until}`);
  } catch (error) {
    return fail(
      about,
      `${setting}: ${(error as Error).message}`,
      `no certificate can be read from ${file}: correct ${setting}`,
    );
  }
}
