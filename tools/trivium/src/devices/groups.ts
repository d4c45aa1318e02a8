import { EXIT, type Invocation } from '../command.ts';
import { groupsOf } from '../groups-of.ts';
import { wordsOf } from '../words.ts';
import { change } from './change.ts';

export async function groups(invocation: Invocation): Promise<number> {
  const { args, json, out } = invocation;
  const [name, text] = wordsOf(args, { least: 2 }).words as [string, string];
  const wanted = groupsOf(text);
  await change(invocation, { name, groups: wanted });
  if (json) out(`${JSON.stringify({ name, groups: wanted })}\n`);
  else out(`${name}: groups: ${wanted.join(', ') || 'devices, as of all without one'}\n`);
  return EXIT.ok;
}
