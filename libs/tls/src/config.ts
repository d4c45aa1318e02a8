import { Type, type Static } from 'typebox';
import { pairOf } from './certificate-pair.ts';

const file = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));

/** `tls`: the certificates of every door, and what they ask of their clients. */
export const tlsSection = Type.Object(
  {
    cert: file('PEM file of the certificate of every door, and of those above it; a door may have its own'),
    key: file('PEM file of its private key'),
    hosts: Type.Record(Type.String(), Type.String(), {
      default: {},
      description:
        'Further certificates by the host name that a client asks for (SNI), *.example.com for one level: two files, cert.pem:key.pem',
      entryFaults: (hosts: Record<string, string>) =>
        Object.entries(hosts)
          .filter(([, files]) => pairOf(files) === undefined)
          .map(([entry, files]) => ({
            entry,
            message: `expected two files, cert.pem:key.pem, got ${JSON.stringify(files)}`,
          })),
    }),
    clientCertificates: Type.Union(
      [Type.Literal('off'), Type.Literal('optional'), Type.Literal('required')],
      {
        default: 'off',
        description: 'Whether clients may, or must, show a certificate that one of clientCa has signed',
      },
    ),
    clientCa: file('PEM file of the authorities that sign the certificates of clients'),
    revocationList: file(
      'PEM file of their revocation lists (CRL), one for each of clientCa; who is on one is refused, and put out when connected',
    ),
    minVersion: Type.Union([Type.Literal(1.2), Type.Literal(1.3)], {
      default: 1.2,
      description: 'Oldest version of TLS that is spoken',
    }),
  },
  { description: 'TLS of every door; a listener for it is open when there is a certificate' },
);

export type TlsConfig = Static<typeof tlsSection>;

/** What a door has in its own section, whose name is also that of its listener. */
export function doorTlsSettings(port: number, what: string) {
  return {
    tlsPort: Type.Integer({
      default: port,
      minimum: 0,
      maximum: 65_535,
      description: `Port of the ${what} listener, which is open when there is a certificate; 0 takes a free one`,
    }),
    tlsCert: file(
      'PEM file of the certificate of this door alone, and of those above it, instead of tls.cert',
    ),
    tlsKey: file('PEM file of its private key'),
  };
}

export interface DoorTlsConfig {
  readonly tlsPort: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}
