import type { webcrypto } from 'node:crypto';
import { CommandError } from '../command.ts';
import { readFile } from '../read-file.ts';
import { placesIn } from './folder.ts';
import { readPrivateKey, SIGNING } from './key-pair.ts';
import { PemConverter, X509Certificate, X509Crl, X509CrlGenerator, type X509CrlEntryParams } from './x509.ts';

const DAY_MS = 86_400_000;
/** Doors refuse everybody by a list whose time is over; who revokes writes a new one anyway. */
const LIST_DAYS = 3_650;
/** A clock of a device may be a little behind. */
export const BACKDATED_MS = 60 * 60_000;

/** The certificate authority in a folder. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

export async function authorityIn(folder: string): Promise<Authority> {
  const places = placesIn(folder);
  const certificate = certificateOf(places.caCert);
  return { certificate, key: await readPrivateKey(places.caKey) };
}

/** The first certificate of a PEM file. Throws a `CommandError` when there is none. */
export function certificateOf(path: string): X509Certificate {
  const pem = readFile(path).toString();
  try {
    return new X509Certificate(pem);
  } catch {
    throw new CommandError(`${path}: no certificate is in it`);
  }
}

/** What is revoked by a list in a file. */
export function revokedIn(path: string): X509CrlEntryParams[] {
  const pem = readFile(path).toString();
  try {
    return new X509Crl(pem).entries.map(({ serialNumber, revocationDate }) => {
      return { serialNumber, revocationDate };
    });
  } catch {
    throw new CommandError(`${path}: no revocation list is in it`);
  }
}

/** PEM of a list of the authority. */
export async function revocationList(
  { certificate, key }: Authority,
  entries: readonly X509CrlEntryParams[],
): Promise<string> {
  const now = Date.now();
  const list = await X509CrlGenerator.create({
    issuer: certificate.subjectName.toJSON(),
    thisUpdate: new Date(now - BACKDATED_MS),
    nextUpdate: new Date(now + LIST_DAYS * DAY_MS),
    entries: [...entries],
    signingAlgorithm: SIGNING,
    signingKey: key,
  });
  // The library's own PEM says CRL, which nothing else reads.
  return `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
}

/** From an hour ago for so many days. Throws a `CommandError` for what is no number of days. */
export function validity(days: string): { notBefore: Date; notAfter: Date } {
  const number = Number(days);
  if (!Number.isSafeInteger(number) || number < 1 || number > 36_500)
    throw new CommandError(`--days is a whole number of days, 1 to 36500, not ${days}`);
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + number * DAY_MS) };
}
