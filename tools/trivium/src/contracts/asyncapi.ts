import { asyncApi } from '@trivium/message-contracts';
import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { recordsOf } from './contract-files.ts';
import { contractsOf } from './contracts-of.ts';

const version = '0.1.0';

/** JSON, with `--json` and without. */
export async function asyncapi({ args, out, bus }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 0, most: Infinity });
  const document = asyncApi({ contracts: recordsOf(await contractsOf(files, bus)), version });
  out(`${JSON.stringify(document, null, 2)}\n`);
  return EXIT.ok;
}
