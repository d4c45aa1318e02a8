/** What a client sends without having said anything: "some bytes", and curl's answer to `--data`. */
const UNSAID = new Set(['application/octet-stream', 'application/x-www-form-urlencoded']);

/**
 * The content type that a message gets: the one asked for in the query, else that of the body unless it says nothing about the message.
 * A form that is meant as one says so with `?contentType=`.
 */
export function contentTypeOf(asked: string | undefined, ofBody: string | undefined): string | undefined {
  if (asked !== undefined) return asked === '' ? undefined : asked;
  if (ofBody === undefined) return undefined;
  const mediaType = ofBody.split(';', 1)[0]!.trim().toLowerCase();
  return mediaType === '' || UNSAID.has(mediaType) ? undefined : ofBody.trim();
}
