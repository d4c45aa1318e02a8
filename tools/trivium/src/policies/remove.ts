import { removePolicy } from '@trivium/identity';
import { author } from '../author.ts';
import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';

export async function remove({ args, json, out, err, bus }: Invocation): Promise<number> {
  const { words: names } = wordsOf(args, { least: 1, most: Infinity });
  const hub = await bus();
  const removed: string[] = [];
  const unknown: string[] = [];
  for (const name of names) ((await removePolicy(hub, name, author())) ? removed : unknown).push(name);
  if (json) out(`${JSON.stringify({ removed, unknown })}\n`);
  else {
    for (const name of removed) out(`${name}: removed\n`);
    for (const name of unknown) err(`trivium: there is no policy ${name}\n`);
  }
  return unknown.length === 0 ? EXIT.ok : EXIT.no;
}
