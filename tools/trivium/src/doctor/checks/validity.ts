import type { X509Certificate } from 'node:crypto';
import { fail, ok, warn, type Finding } from '../finding.ts';

/** What has so few days left is to be renewed. */
export const SOON_DAYS = 30;
export const DAY_MS = 86_400_000;

export const subjectOf = ({ subject }: X509Certificate): string => subject.replaceAll('\n', ', ');

export const daysLeft = ({ validToDate }: X509Certificate, nowMs: number): number =>
  Math.floor((validToDate.getTime() - nowMs) / DAY_MS);

/** Whether a certificate's time has come, is over, or soon will be. `what`: how it is called. */
export function checkValidity(
  about: string,
  what: string,
  certificate: X509Certificate,
  nowMs: number,
): Finding {
  const renew = 'put a new one in its place; doors read it again by themselves';
  const until = certificate.validToDate.toISOString().slice(0, 10);
  const days = daysLeft(certificate, nowMs);
  if (certificate.validFromDate.getTime() > nowMs)
    return fail(
      about,
      `${what} is not valid yet`,
      'look at the clock of this machine, or put another in its place',
    );
  if (days < 0) return fail(about, `${what} has expired on ${until}: clients turn away`, renew);
  if (days < SOON_DAYS) return warn(about, `${what} expires in ${days} days, on ${until}`, renew);
  return ok(about, `${what} is valid until ${until}`);
}
