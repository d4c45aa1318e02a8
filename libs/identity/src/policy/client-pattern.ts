import { accept, type Result } from '@trivium/contracts';
import { piecesOf, valueOf, type Piece, type PlaceholderValues } from './placeholder.ts';

/** Client ids: text, placeholders, and `*` for any characters or none. */
export type ClientPattern = readonly (Piece | typeof ANYTHING)[];

const ANYTHING = null;

/** The pattern in a policy's text, or `payload.invalid`. */
export function parseClientPattern(text: string): Result<ClientPattern> {
  const pieces = piecesOf(text);
  if (!pieces.ok) return pieces;
  const pattern: (Piece | typeof ANYTHING)[] = [];
  for (const piece of pieces.value) {
    if (typeof piece !== 'string') pattern.push(piece);
    else
      piece.split('*').forEach((part, i) => {
        if (i > 0) pattern.push(ANYTHING);
        if (part !== '') pattern.push(part);
      });
  }
  return accept(pattern);
}

/**
 * Whether a client id is meant. A value is only ever itself, also with a `*` in it; one that is missing makes an allowing pattern match nothing,
 * and is anything in a denying one. In time that grows with the length of the id and of the pattern, whatever they hold.
 */
export function matchesClient(
  pattern: ClientPattern,
  client: string,
  values: PlaceholderValues,
  effect: 'allow' | 'deny',
): boolean {
  const parts = [''];
  for (const piece of pattern) {
    const text = piece === ANYTHING || typeof piece === 'string' ? piece : valueOf(piece, values);
    if (text === undefined && effect === 'allow') return false;
    if (text === ANYTHING || text === undefined) parts.push('');
    else parts[parts.length - 1] += text;
  }
  return matchesParts(parts, client);
}

/** The parts in their order, without overlapping, the first at the beginning and the last at the end. */
function matchesParts(parts: readonly string[], client: string): boolean {
  const first = parts[0]!;
  if (parts.length === 1) return client === first;
  const last = parts.at(-1)!;
  if (!client.startsWith(first) || !client.endsWith(last)) return false;
  const end = client.length - last.length;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = client.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return from <= end;
}
