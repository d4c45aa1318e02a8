import type { ContractRecord } from '@trivium/contracts';
import { compileContract, createSchemaCompiler, type Contract } from '@trivium/message-contracts';
import { CommandError } from '../command.ts';
import { documentsIn, withVersion } from '../documents-in.ts';

/** A contract as it stands in a file. */
export interface FiledContract {
  readonly file: string;
  /** Counted from 1. */
  readonly place: number;
  /** As it says; undefined: it has none. */
  readonly name: string | undefined;
  readonly contract: Contract | undefined;
  /** Why it cannot be used. */
  readonly fault: string | undefined;
}

/** The contracts in YAML or JSON files: one, a list, or several YAML documents each. Throws a `CommandError` for what cannot be read. */
export function readContracts(files: readonly string[]): FiledContract[] {
  const compiler = createSchemaCompiler();
  return files.flatMap((file) =>
    documentsIn(file).map((raw, i): FiledContract => {
      const compiled = compileContract(withVersion(raw), compiler);
      const said = (raw as { name?: unknown } | null)?.name;
      const name = typeof said === 'string' ? said : undefined;
      return compiled.ok
        ? { file, place: i + 1, name, contract: compiled.value, fault: undefined }
        : { file, place: i + 1, name, contract: undefined, fault: compiled.error.message };
    }),
  );
}

/** The same where all have to be usable. */
export function usableContracts(files: readonly string[]): Contract[] {
  return readContracts(files).map(({ file, place, name, contract, fault }) => {
    if (contract === undefined) throw new CommandError(`${file}: ${name ?? `contract ${place}`}: ${fault}`);
    return contract;
  });
}

export function recordsOf(contracts: readonly Contract[]): ContractRecord[] {
  return contracts.map(({ record }) => record);
}
