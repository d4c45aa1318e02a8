import type { ContractRecord } from '@trivium/contracts';
import { compileContract, createSchemaCompiler, type Contract } from '@trivium/message-contracts';
import { parseAllDocuments } from 'yaml';
import { CommandError } from '../command.ts';
import { readFile } from '../read-file.ts';

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
    rawContracts(file).map((raw, i): FiledContract => {
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

function rawContracts(file: string): unknown[] {
  const documents = parseAllDocuments(readFile(file).toString());
  if ('empty' in documents) throw new CommandError(`${file}: there is nothing in it`);
  return documents.flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new CommandError(`${file}: ${fault.message}`);
    // Few aliases: a file of some lines must not become one of gigabytes.
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return Array.isArray(value) ? (value as unknown[]) : [value];
  });
}

/** In files the version may be left out. */
function withVersion(raw: unknown): unknown {
  return typeof raw === 'object' && raw !== null ? { v: 1, ...raw } : raw;
}

export function recordsOf(contracts: readonly Contract[]): ContractRecord[] {
  return contracts.map(({ record }) => record);
}
