import { accept, refuse, type Result } from '@trivium/contracts';

/** Chosen by the caller, or by an SDK of AWS, which sends the same id with every try of a call. */
export const KEY_HEADERS = { ours: 'idempotency-key', aws: 'amz-sdk-invocation-id' } as const;

const MAX_LENGTH = 255;
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * The key that makes a retry harmless, `undefined` when there is none. Quotes around it, as the draft of the IETF has them
 * (draft-ietf-httpapi-idempotency-key-header), are no part of it.
 */
export function idempotencyKeyOf(headers: {
  readonly [name: string]: string | string[] | undefined;
}): Result<string | undefined> {
  const given = headers[KEY_HEADERS.ours] ?? headers[KEY_HEADERS.aws];
  if (given === undefined) return accept(undefined);
  const quoted = typeof given === 'string' ? /^"(.*)"$/.exec(given) : null;
  const key = quoted?.[1] ?? given;
  if (typeof key !== 'string' || key.length > MAX_LENGTH || !PRINTABLE.test(key))
    return refuse(
      'protocol.malformed',
      `an idempotency key has 1 to ${MAX_LENGTH} printable characters of ASCII`,
    );
  return accept(key);
}
