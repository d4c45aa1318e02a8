import { overlapsOf } from '@trivium/message-contracts';
import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { readContracts } from './contract-files.ts';

/** Faults end with 1; overlaps and keywords without effect are only told. */
export async function check({ args, json, out }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 1, most: Infinity });
  const filed = readContracts(files);
  const usable = filed.flatMap(({ contract }) => contract ?? []);
  const names = new Map<string, number>();
  for (const { record } of usable) names.set(record.name, (names.get(record.name) ?? 0) + 1);
  const overlaps = overlapsOf(usable.map(({ record }) => record));
  const faults = [
    ...filed.flatMap(({ file, place, name, fault }) =>
      fault === undefined ? [] : [`${file}: ${name ?? `contract ${place}`}: ${fault}`],
    ),
    ...[...names].filter(([, count]) => count > 1).map(([name]) => `${name}: the name is there twice`),
    ...overlaps
      .filter(({ first }) => first === undefined)
      .map(({ contracts }) => `${contracts.join(' and ')}: the same filter`),
  ];
  const notes = [
    ...usable.flatMap(({ record, warnings }) => warnings.map((warning) => `${record.name}: ${warning}`)),
    ...overlaps.flatMap(({ contracts, first }) =>
      first === undefined ? [] : [`${contracts.join(' and ')} overlap: ${first} counts where both match`],
    ),
  ];
  if (json)
    out(`${JSON.stringify({ ok: faults.length === 0, contracts: filed.length, faults, notes }, null, 2)}\n`);
  else {
    for (const fault of faults) out(`fault: ${fault}\n`);
    for (const note of notes) out(`note: ${note}\n`);
    out(`${filed.length} contracts, ${faults.length} faults\n`);
  }
  return faults.length === 0 ? EXIT.ok : EXIT.no;
}
