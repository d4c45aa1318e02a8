import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { readPolicies } from './policy-files.ts';

export async function check({ args, json, out }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 1, most: Infinity });
  const { policies, faults } = readPolicies(files);
  const ok = faults.length === 0;
  if (json) out(`${JSON.stringify({ ok, policies: policies.map(({ name }) => name), faults }, null, 2)}\n`);
  else {
    for (const fault of faults) out(`fault: ${fault}\n`);
    out(`${policies.length} policies that can be used, ${faults.length} faults\n`);
  }
  return ok ? EXIT.ok : EXIT.no;
}
