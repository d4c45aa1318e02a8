import { accept, refuse, type Result } from '@trivium/contracts';

/** What placeholders stand for: one client of one principal. */
export interface PlaceholderValues {
  /** `${principal}`. */
  readonly principal: string;
  /** `${clientId}`; undefined: there is none. */
  readonly client: string | undefined;
  /** `${device.<attribute>}`: what the registry says about it. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** `${claims.<name>}`. */
  readonly claims: Readonly<Record<string, string>>;
}

export interface Placeholder {
  readonly of: 'clientId' | 'principal' | 'device' | 'claims';
  /** Of the attribute or claim. */
  readonly name: string;
}

/** Text, and placeholders in it. */
export type Piece = string | Placeholder;

const PLACEHOLDER = /\$\{([^}]*)(\}?)/g;

/** The pieces of a pattern's text, or `payload.invalid` with the placeholder that means nothing. */
export function piecesOf(text: string): Result<readonly Piece[]> {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: whole, 1: inside = '', 2: end, index } of text.matchAll(PLACEHOLDER)) {
    if (end === '') return refuse('payload.invalid', `${whole} does not end with }`);
    const placeholder = placeholderOf(inside);
    if (placeholder === undefined)
      return refuse(
        'payload.invalid',
        `${whole} is none of \${clientId}, \${principal}, \${device.<attribute>}, \${claims.<name>}`,
      );
    if (index > from) pieces.push(text.slice(from, index));
    pieces.push(placeholder);
    from = index + whole.length;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return accept(pieces);
}

function placeholderOf(inside: string): Placeholder | undefined {
  if (inside === 'clientId' || inside === 'principal') return { of: inside, name: '' };
  for (const source of ['device', 'claims'] as const)
    if (inside.startsWith(`${source}.`) && inside.length > source.length + 1)
      return { of: source, name: inside.slice(source.length + 1) };
  return undefined;
}

/** What it stands for; undefined: nothing, or the empty text. */
export function valueOf({ of, name }: Placeholder, values: PlaceholderValues): string | undefined {
  switch (of) {
    case 'clientId':
      return values.client || undefined;
    case 'principal':
      return values.principal || undefined;
    case 'device':
      return ownValue(values.attributes, name);
    case 'claims':
      return ownValue(values.claims, name);
  }
}

function ownValue(of: Readonly<Record<string, string | number | boolean>>, name: string): string | undefined {
  return Object.hasOwn(of, name) ? String(of[name]) || undefined : undefined;
}
