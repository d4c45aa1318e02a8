import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { revocationList, validity } from './authority.ts';
import { FOLDER, placesIn, writeFiles } from './folder.ts';
import { newKeyPair, privateKeyPem, SIGNING } from './key-pair.ts';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './x509.ts';

export async function ca({ args, json, out }: Invocation): Promise<number> {
  const { options } = wordsOf(args, {
    ...{ least: 0, options: ['out', 'name', 'days'] as const, flags: ['force'] as const },
  });
  const folder = options.out ?? FOLDER;
  const places = placesIn(folder);
  const keys = await newKeyPair();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(options.days ?? '3650'),
    name: [{ CN: [options.name ?? 'Trivium development CA'] }],
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const list = await revocationList({ certificate, key: keys.privateKey }, []);
  writeFiles(
    [
      { path: places.caCert, text: `${certificate.toString('pem')}\n` },
      { path: places.caKey, text: await privateKeyPem(keys), secret: true },
      { path: places.revocationList, text: list },
    ],
    options.force === true,
  );
  const { caCert, caKey, revocationList: crl } = places;
  if (json) out(`${JSON.stringify({ cert: caCert, key: caKey, revocationList: crl })}\n`);
  else
    out(`${caCert}: give it to clients, who then trust the doors' certificates
${caKey}: whoever has it can be anybody; keep it

So that doors know clients by certificates of this authority, without demanding one:
TRIVIUM_TLS_CLIENT_CA=${caCert}
TRIVIUM_TLS_CLIENT_CERTIFICATES=optional
TRIVIUM_TLS_REVOCATION_LIST=${crl}
`);
  return EXIT.ok;
}
