import { existsSync } from 'node:fs';
import { CommandError, EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { authorityIn, certificateOf, revocationList, revokedIn } from './authority.ts';
import { FOLDER, placesIn, writeFiles } from './folder.ts';
import { X509CrlReason } from './x509.ts';

/** All are looked at before the list is written. */
export async function revoke({ args, json, out }: Invocation): Promise<number> {
  const { words: files, options } = wordsOf(args, { least: 1, most: Infinity, options: ['out'] as const });
  const folder = options.out ?? FOLDER;
  const { revocationList: path, caCert } = placesIn(folder);
  const authority = await authorityIn(folder);
  const entries = existsSync(path) ? revokedIn(path) : [];
  const known = new Set(entries.map(({ serialNumber }) => serialNumber));
  for (const file of files) {
    const certificate = certificateOf(file);
    if (!(await certificate.verify({ publicKey: authority.certificate.publicKey, signatureOnly: true })))
      throw new CommandError(`${file}: ${caCert} did not sign it; its own authority has to revoke it`);
    const { serialNumber } = certificate;
    if (known.has(serialNumber)) continue;
    known.add(serialNumber);
    entries.push({ serialNumber, revocationDate: new Date(), reason: X509CrlReason.unspecified });
  }
  writeFiles([{ path, text: await revocationList(authority, entries) }], true);
  if (json) out(`${JSON.stringify({ revocationList: path, revoked: entries.length })}\n`);
  else
    out(`${path} has ${entries.length} certificates; doors read it again by themselves where
TRIVIUM_TLS_REVOCATION_LIST=${path}
`);
  return EXIT.ok;
}
