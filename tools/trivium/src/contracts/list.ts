import type { TopicFilter } from '@trivium/contracts';
import { bySpecificity, storedContracts } from '@trivium/message-contracts';
import { EXIT, type Invocation } from '../command.ts';
import { table } from '../table.ts';
import { wordsOf } from '../words.ts';

export async function list({ args, json, out, bus }: Invocation): Promise<number> {
  wordsOf(args, { least: 0 });
  const stored = await storedContracts((await bus()).bucket('contracts'));
  const contracts = stored.sort((a, b) => bySpecificity(a.filter as TopicFilter, b.filter as TopicFilter));
  if (json) out(`${JSON.stringify({ contracts }, null, 2)}\n`);
  else if (contracts.length === 0) out('no contracts: every topic takes any payload\n');
  else {
    const rows = contracts.map(({ name, filter, onViolation, contentType, owner }) => [
      ...[name, filter, onViolation, contentType ?? '', owner ?? ''],
    ]);
    out(table(['name', 'filter', 'on violation', 'content type', 'owner'], rows));
  }
  return EXIT.ok;
}
