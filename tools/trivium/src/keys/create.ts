import { createApiKey, userName } from '@trivium/identity';
import { author } from '../author.ts';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { durationMs } from '../duration.ts';
import { groupsOf } from '../groups-of.ts';
import { ownDoor } from '../own-door.ts';
import { timeText } from '../time-text.ts';
import { wordsOf } from '../words.ts';

export async function create({ args, json, out, env, bus }: Invocation): Promise<number> {
  const { words, options } = wordsOf(args, { least: 1, options: ['groups', 'expires'] as const });
  const name = userName(words[0]!);
  if (!name.ok) throw new UsageError(name.error.message);
  const groups = groupsOf(options.groups ?? '');
  const expires =
    options.expires === undefined ? {} : { expiresAt: Date.now() + durationMs('expires', options.expires) };
  const { key, record } = await createApiKey(await bus(), { name: name.value, groups, ...expires }, author());
  const { id, expiresAt } = record;
  if (json) out(`${JSON.stringify({ id, name: name.value, groups, key, ...expires })}\n`);
  else
    out(`${id}: a key for ${name.value}; groups: ${groups.join(', ') || 'devices, as of all without one'}; \
${expiresAt === undefined ? 'it does not expire' : `it expires ${timeText(expiresAt)}`}
The key, shown only now: ${key}
curl -N -H 'Authorization: Bearer ${key}' ${ownDoor('http', env).origin}/v1/stream?filter=%23
`);
  return EXIT.ok;
}
