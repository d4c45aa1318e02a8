import {
  compileContract,
  createSchemaCompiler,
  storedContracts,
  type Contract,
} from '@trivium/message-contracts';
import type { Invocation } from '../command.ts';
import { usableContracts } from './contract-files.ts';

/** Those in the files, or, without any, those of the hub that can be used. */
export async function contractsOf(files: readonly string[], bus: Invocation['bus']): Promise<Contract[]> {
  if (files.length > 0) return usableContracts(files);
  const compiler = createSchemaCompiler();
  const stored = await storedContracts((await bus()).bucket('contracts'));
  return stored.flatMap((record) => {
    const contract = compileContract(record, compiler);
    return contract.ok ? contract.value : [];
  });
}
