import { matches, parseTopic } from '@trivium/contracts';
import { bySpecificity } from '@trivium/message-contracts';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { readFile } from '../read-file.ts';
import { wordsOf } from '../words.ts';
import { contractsOf } from './contracts-of.ts';

export async function test({ args, json, out, stdin, bus }: Invocation): Promise<number> {
  const { words, options } = wordsOf(args, {
    ...{ least: 2, options: ['content-type', 'contracts'] as const },
  });
  const [rawTopic, file] = words as [string, string];
  const topic = parseTopic(rawTopic);
  if (!topic.ok) throw new UsageError(topic.error.message);
  const payload = file === '-' ? await stdin() : readFile(file);
  const contracts = await contractsOf(options.contracts === undefined ? [] : [options.contracts], bus);
  const [contract] = contracts
    .filter(({ filter }) => matches(filter, topic.value))
    .sort((a, b) => bySpecificity(a.filter, b.filter) || (a.record.name < b.record.name ? -1 : 1));
  const violation = contract?.violation(payload, options['content-type']);
  const name = contract?.record.name;
  if (json) out(`${JSON.stringify({ ok: violation === undefined, contract: name, violation }, null, 2)}\n`);
  else if (violation !== undefined) out(`${violation.message} (${violation.policy})\n`);
  else
    out(
      name === undefined ? 'no contract for this topic: any payload will do\n' : `keeps contract ${name}\n`,
    );
  return violation === undefined ? EXIT.ok : EXIT.no;
}
