import { UsageError, type Invocation } from './command.ts';

export type Subcommands = Readonly<Record<string, (invocation: Invocation) => Promise<number>>>;

/** Runs the one of `subcommands` that the first word names, with the words after it. */
export function runSubcommand(
  command: string,
  subcommands: Subcommands,
  invocation: Invocation,
): Promise<number> {
  const [name, ...args] = invocation.args;
  if (name === undefined) throw new UsageError('a subcommand is missing');
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand === undefined) throw new UsageError(`${command} has no ${name}`);
  return subcommand({ ...invocation, args });
}
