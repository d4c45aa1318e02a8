import { readFileSync } from 'node:fs';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
} from '@nats-io/nats-core';
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { TriviumError } from '@trivium/contracts';
import type { BusConfig } from './config.ts';

/** By what this process shows NATS who it is, and NATS who it is to this process. Nothing for a NATS that asks nobody. */
export function proofOf({
  nkeyFile,
  credsFile,
  user,
  password,
  ca,
}: BusConfig): Pick<NodeConnectionOptions, 'authenticator' | 'tls'> {
  const authenticator: Authenticator[] = [];
  if (nkeyFile !== undefined)
    authenticator.push(nkeyAuthenticator(remembered(nkeyFile, 'nats.nkeyFile', trimmed)));
  if (credsFile !== undefined)
    authenticator.push(credsAuthenticator(remembered(credsFile, 'nats.credsFile')));
  if (user !== undefined) authenticator.push(usernamePasswordAuthenticator(user, password ?? ''));
  if (ca !== undefined) read(ca, 'nats.ca');
  return {
    ...(authenticator.length > 0 && { authenticator }),
    ...(ca !== undefined && { tls: { caFile: ca } }),
  };
}

/**
 * What is in the file at each connection. Faults show at once, by name; a file that has become unreadable since counts as unchanged, for
 * the client of NATS does not take an error there.
 */
function remembered(
  file: string,
  setting: string,
  taken: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): () => Uint8Array {
  let last = taken(read(file, setting));
  return () => {
    try {
      last = taken(readFileSync(file));
    } catch {
      // As it was.
    }
    return last;
  };
}

function read(file: string, setting: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new TriviumError('config.invalid', `${setting}: ${file} cannot be read (${code})`, { cause });
  }
}

/** A seed on the first line that is not a comment. */
function trimmed(bytes: Uint8Array): Uint8Array {
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  return Buffer.from((lines.find((line) => /^S[A-Z2-7]+\s*$/.test(line)) ?? '').trim(), 'latin1');
}
