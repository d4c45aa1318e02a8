import { BUILT_IN_POLICIES, storedPolicies } from '@trivium/identity';
import { stringify } from 'yaml';
import { CommandError, EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';

/** As files have them: what it prints, `add` takes. */
export async function show({ args, json, out, bus }: Invocation): Promise<number> {
  const { words: names } = wordsOf(args, { least: 1, most: Infinity });
  const known = [...(await storedPolicies(await bus())), ...BUILT_IN_POLICIES];
  const policies = names.map((name) => {
    const policy = known.find((each) => each.name === name);
    if (policy === undefined) throw new CommandError(`there is no policy ${name}`);
    const { v: _v, ...rest } = policy;
    return rest;
  });
  if (json) out(`${JSON.stringify({ policies }, null, 2)}\n`);
  else out(policies.map((policy) => stringify(policy)).join('---\n'));
  return EXIT.ok;
}
