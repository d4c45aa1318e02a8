import { parseArgs } from 'node:util';
import { UsageError } from './command.ts';

export interface Words<O extends string> {
  readonly words: readonly string[];
  readonly options: { readonly [name in O]?: string };
}

/** The words of a subcommand, and its options with their values. Throws a `UsageError` for what it does not know. */
export function wordsOf<O extends string = never>(
  args: readonly string[],
  { least, most = least, options = [] }: { least: number; most?: number; options?: readonly O[] },
): Words<O> {
  const known = Object.fromEntries(options.map((name) => [name, { type: 'string' as const }]));
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
  return { words: positionals, options: values as Words<O>['options'] };
}
