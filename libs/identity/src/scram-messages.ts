import { accept, refuse, type Refusal, type Result } from '@trivium/contracts';
import { base64, bytesOf } from './scram-verifier.ts';

/** Longest message of a client; honest ones have some hundred bytes. */
const MOST_BYTES = 2_048;

/** `n,,n=<user>,r=<nonce>` (RFC 5802, section 7). */
export interface ClientFirst {
  /** With its commas: what the client is going to repeat. */
  readonly gs2Header: string;
  /** The message without that header: a part of what both sides sign. */
  readonly bare: string;
  readonly user: string;
  /** Whom the client wants to act as; undefined: the user himself. */
  readonly authorize: string | undefined;
  readonly nonce: string;
}

/** `c=<header>,r=<nonce>,p=<proof>`. */
export interface ClientFinal {
  readonly gs2Header: string;
  readonly nonce: string;
  readonly proof: Buffer;
  /** The message up to the proof: a part of what both sides sign. */
  readonly withoutProof: string;
}

export function readClientFirst(message: Uint8Array): Result<ClientFirst> {
  const text = textOf(message);
  const match = text === undefined ? null : CLIENT_FIRST.exec(text);
  if (match === null) return malformed('first');
  const [, gs2Header, binding, forWhom, bare, mandatory, name, nonce] = match as (string | undefined)[];
  if (binding!.startsWith('p=')) return refuse('auth.failed', 'channel binding is not offered here');
  if (mandatory !== undefined) return refuse('auth.failed', 'an extension of SCRAM that is not known here');
  const user = nameOf(name!);
  const authorize = forWhom === undefined ? undefined : nameOf(forWhom);
  if (user === undefined || (forWhom !== undefined && authorize === undefined)) return malformed('first');
  return accept({ gs2Header: gs2Header!, bare: bare!, user, authorize, nonce: nonce! });
}

export function readClientFinal(message: Uint8Array): Result<ClientFinal> {
  const text = textOf(message);
  const match = text === undefined ? null : CLIENT_FINAL.exec(text);
  if (match === null) return malformed('final');
  const [, withoutProof, header, nonce, encoded] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  const proof = bytesOf(encoded);
  const gs2Header = bytesOf(header);
  if (proof === undefined || gs2Header === undefined) return malformed('final');
  return accept({ gs2Header: gs2Header.toString('utf8'), nonce, proof, withoutProof });
}

export function writeServerFirst(nonce: string, salt: Uint8Array, iterations: number): string {
  return `r=${nonce},s=${base64(salt)},i=${iterations}`;
}

/** Printable ASCII but the comma. */
const NONCE = String.raw`[\x21-\x2b\x2d-\x7e]+`;
const CLIENT_FIRST = new RegExp(
  String.raw`^((n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,)((m=[^,]*,)?n=([^,]+),r=(${NONCE})(?:,[A-Za-z]=[^,]+)*)$`,
);
const CLIENT_FINAL = new RegExp(
  String.raw`^(c=([A-Za-z0-9+/=]+),r=(${NONCE})(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/=]+)$`,
);

/** In a name `,` is `=2C` and `=` is `=3D`; any other `=` is a fault. */
function nameOf(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function textOf(message: Uint8Array): string | undefined {
  if (message.length > MOST_BYTES) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

function malformed(which: 'first' | 'final'): { readonly ok: false; readonly error: Refusal } {
  return refuse('auth.failed', `not a client-${which}-message of SCRAM`);
}
