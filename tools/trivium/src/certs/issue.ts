import { authorityIn, validity } from './authority.ts';
import { writeFiles, type Pair } from './folder.ts';
import { newKeyPair, privateKeyPem, SIGNING } from './key-pair.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  type JsonGeneralName,
} from './x509.ts';

export interface Issue {
  readonly folder: string;
  readonly place: Pair;
  readonly commonName: string;
  readonly names: readonly JsonGeneralName[];
  readonly usage: 'serverAuth' | 'clientAuth';
  readonly days: string;
  readonly force: boolean;
}

/** A key and a certificate of the folder's authority for it, written to `place`. */
export async function issue(wanted: Issue): Promise<void> {
  const { certificate, key } = await authorityIn(wanted.folder);
  const keys = await newKeyPair();
  const issued = await X509CertificateGenerator.create({
    ...validity(wanted.days),
    subject: [{ CN: [wanted.commonName] }],
    issuer: certificate.subjectName.toJSON(),
    publicKey: keys.publicKey,
    signingKey: key,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage[wanted.usage]]),
      ...(wanted.names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...wanted.names])]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(certificate.publicKey),
    ],
  });
  const { place, force } = wanted;
  writeFiles(
    [
      { path: place.cert, text: `${issued.toString('pem')}\n` },
      { path: place.key, text: await privateKeyPem(keys), secret: true },
    ],
    force,
  );
}
