import { webcrypto } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';

/** Files of one certificate, and what is in them: PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority for a test, on P-256. */
export interface TestAuthority {
  readonly cert: string;
  readonly certFile: string;
  /** For a server or a client; `hosts` are names and IP addresses, 127.0.0.1 and localhost unless given. Files are named after `name`. */
  issue(name: string, hosts?: readonly string[]): Promise<TestCertificate>;
  /** Its revocation list with these, and none before, as PEM; `nextUpdate` a day from now unless given. */
  revoke(certificates: readonly TestCertificate[], nextUpdate?: Date): Promise<string>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** Makes an authority whose files are in `folder`. */
export async function testAuthority(folder: string, name = 'trivium test authority'): Promise<TestAuthority> {
  // Loaded when it is asked for: most tests do without. It wants the polyfill to be there before it.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keyPair = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const validity = () => ({
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
  });
  const write = async (file: string, text: string): Promise<string> => {
    const path = join(folder, file);
    await writeFile(path, text);
    return path;
  };

  const keys = await keyPair();
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const cert = own.toString('pem');

  return {
    cert,
    certFile: await write(`${name.replaceAll(' ', '-')}.cert.pem`, cert),
    async issue(subject, hosts = ['localhost', '127.0.0.1']) {
      const pair = await keyPair();
      const names = hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const);
      const issued = await x509.X509CertificateGenerator.create({
        ...validity(),
        subject: [{ CN: [subject] }],
        issuer: own.subjectName.toJSON(),
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: SIGNING,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.SubjectAlternativeNameExtension(names),
          await x509.AuthorityKeyIdentifierExtension.create(own.publicKey),
        ],
      });
      const text = issued.toString('pem');
      const key = x509.PemConverter.encode(
        await webcrypto.subtle.exportKey('pkcs8', pair.privateKey),
        'PRIVATE KEY',
      );
      const [certFile, keyFile] = [
        await write(`${subject}.cert.pem`, text),
        await write(`${subject}.key.pem`, key),
      ];
      return { cert: text, key, certFile, keyFile };
    },
    async revoke(certificates, nextUpdate = new Date(Date.now() + DAY_MS)) {
      const list = await x509.X509CrlGenerator.create({
        issuer: own.subjectName.toJSON(),
        thisUpdate: new Date(Date.now() - DAY_MS),
        nextUpdate,
        entries: certificates.map((one) => ({
          serialNumber: new x509.X509Certificate(one.cert).serialNumber,
          revocationDate: new Date(Date.now() - DAY_MS),
        })),
        signingAlgorithm: SIGNING,
        signingKey: keys.privateKey,
      });
      // The library's own PEM says CRL, which nothing else reads.
      return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
    },
  };
}
