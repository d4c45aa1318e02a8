import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { recordsOf } from './contract-files.ts';
import { contractsOf } from './contracts-of.ts';
import { typesOf } from './typescript-types.ts';

export async function types({ args, json, out, bus }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 0, most: Infinity });
  const text = await typesOf(recordsOf(await contractsOf(files, bus)));
  out(json ? `${JSON.stringify({ typescript: text })}\n` : text);
  return EXIT.ok;
}
