import { storePolicy } from '@trivium/identity';
import { author } from '../author.ts';
import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { usablePolicies } from './policy-files.ts';

/** All are looked at before the first is stored. */
export async function add({ args, json, out, bus }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 1, most: Infinity });
  const policies = usablePolicies(files);
  const hub = await bus();
  for (const policy of policies) {
    const how = await storePolicy(hub, policy, author());
    if (!json) out(`${policy.name}: ${how === 'new' ? 'stored' : 'replaced'}\n`);
  }
  if (json) out(`${JSON.stringify({ stored: policies.map(({ name }) => name) })}\n`);
  return EXIT.ok;
}
