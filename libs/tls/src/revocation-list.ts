import { DER, derValues, type DerValue } from './der.ts';

/** A certificate as revocation lists name it: who signed it, and which of his it is. Hexadecimal. */
type CertificateName = string;

/** What the revocation lists of a file say. */
export interface RevocationLists {
  /** PEM, one each. */
  readonly pems: readonly string[];
  /** When the first of them runs out, milliseconds since the epoch; then TLS accepts no certificate of its issuer any more. */
  readonly validUntil: number;
  isRevoked(name: CertificateName): boolean;
}

const PEM = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;
/** [RFC5280-4.1] `[0]`, before the serial number. */
const VERSION_TAG = 0xa0;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const nameOf = (issuer: DerValue, serial: DerValue): CertificateName =>
  `${hex(issuer.whole)}/${hex(serial.content)}`;

/** The name of a certificate in DER. */
export function certificateName(certificate: Uint8Array): CertificateName {
  const [toBeSigned] = derValues(derValues(certificate)[0]!.content);
  const [first, ...rest] = derValues(toBeSigned!.content);
  // [RFC5280-4.1] version, serialNumber, signature, issuer, …; the version may be missing.
  const [serial, , issuer] = first!.tag === VERSION_TAG ? rest : [first!, ...rest];
  return nameOf(issuer!, serial!);
}

/** @throws when there is none in the text, or one is broken */
export function parseRevocationLists(text: string): RevocationLists {
  const revoked = new Set<CertificateName>();
  const pems: string[] = [];
  let validUntil = Infinity;
  for (const [pem, base64] of text.matchAll(PEM)) {
    pems.push(pem);
    const list = readList(Buffer.from(base64!, 'base64'));
    validUntil = Math.min(validUntil, list.validUntil);
    for (const name of list.revoked) revoked.add(name);
  }
  if (pems.length === 0) throw new Error('there is no X509 CRL in it');
  return { pems, validUntil, isRevoked: (name) => revoked.has(name) };
}

/** [RFC5280-5.1] version, signature, issuer, thisUpdate, nextUpdate, revokedCertificates, extensions; the first and the last three may be missing. */
function readList(list: Uint8Array): { validUntil: number; revoked: CertificateName[] } {
  const [toBeSigned] = derValues(derValues(list)[0]!.content);
  const parts = derValues(toBeSigned!.content);
  if (parts[0]?.tag === DER.integer) parts.shift();
  const [, issuer, , ...more] = parts;
  if (issuer === undefined) throw new Error('no revocation list: it has no issuer');
  const next = more[0] !== undefined && isTime(more[0]) ? more.shift()! : undefined;
  const entries = more[0]?.tag === DER.sequence ? derValues(more[0].content) : [];
  return {
    validUntil: next === undefined ? Infinity : timeOf(next),
    revoked: entries.map(({ content }) => nameOf(issuer, derValues(content)[0]!)),
  };
}

const isTime = ({ tag }: DerValue): boolean => tag === DER.utcTime || tag === DER.generalizedTime;

/** [RFC5280-4.1.2.5] YYMMDDHHMMSSZ, of 1950 to 2049, or YYYYMMDDHHMMSSZ. */
function timeOf({ tag, content }: DerValue): number {
  const text = Buffer.from(content).toString('latin1');
  const year = tag === DER.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, y, m, d, h, min, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(year) ?? [];
  if (s === undefined) throw new Error(`no revocation list: ${JSON.stringify(text)} is no time`);
  return Date.UTC(Number(y), Number(m) - 1, Number(d), Number(h), Number(min), Number(s));
}
