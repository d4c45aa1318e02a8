import { BUILT_IN_POLICIES, storedPolicies } from '@trivium/identity';
import { EXIT, type Invocation } from '../command.ts';
import { table } from '../table.ts';
import { wordsOf } from '../words.ts';

/** A built-in policy holds for as long as no stored one names its group. */
export async function list({ args, json, out, bus }: Invocation): Promise<number> {
  wordsOf(args, { least: 0 });
  const stored = await storedPolicies(await bus());
  const named = new Set(stored.flatMap(({ groups }) => groups));
  const builtIn = BUILT_IN_POLICIES.filter(({ groups }) => groups.some((group) => !named.has(group)));
  if (json) out(`${JSON.stringify({ policies: stored, builtIn }, null, 2)}\n`);
  else {
    const rows = [...stored, ...builtIn].map(({ name, groups, statements, description }) => [
      ...[name, groups.join(', '), String(statements.length), description ?? ''],
    ]);
    out(table(['name', 'groups', 'statements', 'description'], rows));
  }
  return EXIT.ok;
}
