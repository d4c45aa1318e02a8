import { accept, refuse, type Result } from '@trivium/contracts';

/** The publisher's id in the header `x-client-id`, UTF-8; `undefined` when there is none. */
export function clientIdOf(
  header: string | string[] | undefined,
  maxBytes: number,
): Result<string | undefined> {
  if (header === undefined) return accept(undefined);
  if (Array.isArray(header)) return refuse('client-id.invalid', 'x-client-id is given more than once');
  // Node reads header bytes as Latin-1.
  const bytes = Buffer.from(header, 'latin1');
  let id: string;
  try {
    id = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('client-id.invalid', 'x-client-id is not UTF-8');
  }
  if (id === '') return refuse('client-id.invalid', 'x-client-id is empty');
  if (bytes.length > maxBytes)
    return refuse(
      'client-id.invalid',
      `x-client-id has ${bytes.length} bytes, at most ${maxBytes} are accepted`,
    );
  return accept(id);
}
