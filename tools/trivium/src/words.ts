import { parseArgs } from 'node:util';
import { UsageError } from './command.ts';

export interface Words<O extends string, F extends string, L extends string> {
  readonly words: readonly string[];
  readonly options: { readonly [name in O]?: string } & { readonly [name in F]?: true } & {
    readonly [name in L]?: readonly string[];
  };
}

export interface WordsWanted<O extends string, F extends string, L extends string> {
  readonly least: number;
  readonly most?: number;
  /** With a value. */
  readonly options?: readonly O[];
  /** Without one. */
  readonly flags?: readonly F[];
  /** With a value, any number of times. */
  readonly lists?: readonly L[];
  /** One letter → the name it stands for. */
  readonly letters?: Readonly<Record<string, O | F | L>>;
}

/** The words of a subcommand, and its options with their values. Throws a `UsageError` for what it does not know. */
export function wordsOf<O extends string = never, F extends string = never, L extends string = never>(
  args: readonly string[],
  { least, most = least, options = [], flags = [], lists = [], letters = {} }: WordsWanted<O, F, L>,
): Words<O, F, L> {
  const short = new Map(Object.entries(letters).map(([letter, name]) => [name as string, letter]));
  const named = (names: readonly string[], how: { type: 'string' | 'boolean'; multiple?: true }) =>
    names.map((name) => {
      const letter = short.get(name);
      return [name, { ...how, ...(letter === undefined ? {} : { short: letter }) }] as const;
    });
  const known = Object.fromEntries([
    ...named(options, { type: 'string' }),
    ...named(flags, { type: 'boolean' }),
    ...named(lists, { type: 'string', multiple: true }),
  ]);
  const parsed = (() => {
    try {
      return parseArgs({ args: [...args], allowPositionals: true, options: known });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  })();
  const { positionals, values } = parsed;
  if (positionals.length < least) throw new UsageError('something is missing');
  if (positionals.length > most) throw new UsageError(`${positionals[most]} is one word too many`);
  return { words: positionals, options: values as Words<O, F, L>['options'] };
}
