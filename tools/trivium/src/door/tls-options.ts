import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { CommandError, UsageError } from '../command.ts';
import { readFile } from '../read-file.ts';

/** What all commands that go to a door over TLS take. */
export const TLS_OPTIONS = ['cafile', 'cert', 'key'] as const;

export const TLS_HELP = `  --cafile <pem>             who signed the door's certificate
  --cert <pem> --key <pem>   a certificate of your own
`;

export type TlsOptions = { readonly [name in (typeof TLS_OPTIONS)[number]]?: string };

/** What a client trusts and shows at a door. */
export interface ClientTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Throws a `UsageError` for options that are wrong, and a `CommandError` for files that cannot be used. */
export function clientTlsOf({ cafile, cert, key }: TlsOptions): ClientTls {
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key belong together');
  const tls = {
    ...(cafile === undefined ? {} : { ca: readFile(cafile) }),
    ...(cert === undefined ? {} : { cert: readFile(cert) }),
    ...(key === undefined ? {} : { key: readFile(key) }),
  };
  // Of what is no certificate Node says nothing here, and trusts nobody.
  if (tls.ca !== undefined) usable('--cafile', () => new X509Certificate(tls.ca!));
  usable('--cert and --key', () => createSecureContext(tls));
  return tls;
}

function usable(options: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw new CommandError(`${options} cannot be used: ${(error as Error).message}`);
  }
}

/** By which Node says that no authority that is trusted has signed a certificate. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

export const isUntrusted = (code: string | undefined): boolean => code !== undefined && UNTRUSTED.has(code);
