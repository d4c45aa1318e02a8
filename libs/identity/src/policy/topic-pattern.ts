import { accept, isDollar, parseFilter, refuse, SHARE_PREFIX, type Result } from '@trivium/contracts';
import { piecesOf, valueOf, type Piece, type PlaceholderValues } from './placeholder.ts';

/** A level that matches any text; as the first one none that begins with `$` [MQTT3-4.7.2-1]. */
export const PLUS = '+';

/** As the first level: any text that begins with `$`. No MQTT filter has it; patterns may, so that a policy can allow really everything. */
export const DOLLAR_PLUS = '$+';

/** A level that matches any text, wherever it stands. No topic and no pattern's text has it: only a placeholder becomes it. */
export const ANY = '#';

/** One level with placeholders in it. */
export interface OpenLevel {
  readonly pieces: readonly Piece[];
  readonly first: boolean;
}

/** A topic pattern: an MQTT filter with placeholders in its levels. `#` alone is `+/#`: no topic is without a level. */
export interface TopicPattern {
  readonly levels: readonly (string | OpenLevel)[];
  /** It ends with `#`: any number of further levels, or none. */
  readonly rest: boolean;
}

/** A filter, or a topic, by its levels. */
export interface Levels {
  readonly levels: readonly string[];
  readonly rest: boolean;
}

/** Levels of a filter that was parsed, or of a topic. */
export function levelsOf(filter: string): Levels {
  const levels = filter.split('/');
  if (levels.at(-1) !== ANY) return { levels, rest: false };
  levels.pop();
  return { levels: levels.length === 0 ? [PLUS] : levels, rest: true };
}

/** The pattern in a policy's text, or `payload.invalid`. */
export function parseTopicPattern(text: string): Result<TopicPattern> {
  const pieces = piecesOf(text);
  if (!pieces.ok) return pieces;
  if (text.startsWith(SHARE_PREFIX))
    return refuse(
      'payload.invalid',
      'what is asked about a shared subscription is its filter, without $share',
    );
  const plain = pieces.value.map((piece) => (typeof piece === 'string' ? piece : 'x')).join('');
  const filter = parseFilter(plain.replace(/^\$\+(?=\/|$)/, '$x'));
  if (!filter.ok) return refuse('payload.invalid', filter.error.message);
  const levels = splitLevels(pieces.value);
  const rest = levels.at(-1) === ANY;
  if (rest) levels.pop();
  return accept({ levels: levels.length === 0 ? [PLUS] : levels, rest });
}

function splitLevels(pieces: readonly Piece[]): (string | OpenLevel)[] {
  const split: Piece[][] = [[]];
  for (const piece of pieces) {
    if (typeof piece !== 'string') split.at(-1)!.push(piece);
    else
      piece.split('/').forEach((text, i) => {
        if (i > 0) split.push([]);
        if (text !== '') split.at(-1)!.push(text);
      });
  }
  return split.map((level, i) => {
    const [only = ''] = level;
    return level.length < 2 && typeof only === 'string' ? only : { pieces: level, first: i === 0 };
  });
}

/**
 * The text of an open level. Nothing that a value holds widens what is allowed or narrows what is denied: where a value is missing or is not
 * the text of one level, undefined (matches nothing) when allowing, `ANY` when denying.
 */
export function filledLevel(
  { pieces, first }: OpenLevel,
  values: PlaceholderValues,
  effect: 'allow' | 'deny',
): string | undefined {
  let text = '';
  for (const piece of pieces) {
    const part = typeof piece === 'string' ? piece : valueOf(piece, values);
    if (part === undefined || (typeof piece !== 'string' && NO_LEVEL.test(part)))
      return effect === 'allow' ? undefined : ANY;
    text += part;
  }
  // Only who wrote the policy gives away topics that begin with `$`.
  if (effect === 'allow' && first && typeof pieces[0] !== 'string' && isDollar(text)) return undefined;
  return text;
}

const NO_LEVEL = /[/+#]/;

/** The pattern with its placeholders filled in; undefined: it matches nothing. */
export function filledPattern(
  { levels, rest }: TopicPattern,
  values: PlaceholderValues,
  effect: 'allow' | 'deny',
): Levels | undefined {
  const filled: string[] = [];
  for (const level of levels) {
    const text = typeof level === 'string' ? level : filledLevel(level, values, effect);
    if (text === undefined) return undefined;
    filled.push(text);
  }
  return { levels: filled, rest };
}

/** Whether every topic that `wanted` matches is matched by the pattern. A topic is a filter that matches itself. */
export function covers(pattern: Levels, wanted: Levels): boolean {
  const { levels, rest } = pattern;
  if (levels.length > wanted.levels.length || (wanted.rest && !rest)) return false;
  if (levels.length < wanted.levels.length && !rest) return false;
  return levels.every((level, i) => coversLevel(level, wanted.levels[i]!, i === 0));
}

function coversLevel(level: string, wanted: string, first: boolean): boolean {
  if (level === wanted || level === ANY) return true;
  if (level === PLUS) return !(first && isDollar(wanted));
  return first && level === DOLLAR_PLUS && isDollar(wanted);
}
