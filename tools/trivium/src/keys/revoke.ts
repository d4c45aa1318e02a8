import { revokeApiKey } from '@trivium/identity';
import { author } from '../author.ts';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';

const ID = /^[a-z0-9]{12}$/;

export async function revoke({ args, json, out, err, bus }: Invocation): Promise<number> {
  const { words } = wordsOf(args, { least: 1, most: Infinity });
  // Whoever has the key itself at hand need not take it apart.
  const ids = words.map((word) => /^tvk_([a-z0-9]{12})_/.exec(word)?.[1] ?? word);
  if (!ids.every((id) => ID.test(id)))
    throw new UsageError('the id of a key has 12 characters, as keys list shows it');
  const hub = await bus();
  const revoked: string[] = [];
  const unknown: string[] = [];
  for (const id of ids) ((await revokeApiKey(hub, id, author())) ? revoked : unknown).push(id);
  if (json) out(`${JSON.stringify({ revoked, unknown })}\n`);
  else {
    for (const id of revoked) out(`${id}: revoked\n`);
    for (const id of unknown) err(`trivium: there is no key ${id}\n`);
  }
  return unknown.length === 0 ? EXIT.ok : EXIT.no;
}
