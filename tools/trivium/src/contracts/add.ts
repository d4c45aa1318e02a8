import { storeContract } from '@trivium/message-contracts';
import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { recordsOf, usableContracts } from './contract-files.ts';

/** All are looked at before the first is stored. */
export async function add({ args, json, out, bus }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 1, most: Infinity });
  const records = recordsOf(usableContracts(files));
  const bucket = (await bus()).bucket('contracts');
  for (const record of records) {
    await storeContract(bucket, record);
    if (!json) out(`${record.name}: stored\n`);
  }
  if (json) out(`${JSON.stringify({ stored: records.map(({ name }) => name) })}\n`);
  return EXIT.ok;
}
