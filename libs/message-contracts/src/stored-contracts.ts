import type { Bucket } from '@trivium/bus';
import {
  contractKey,
  ContractRecord,
  decodeJson,
  encodeJson,
  refuse,
  TriviumError,
  type Result,
} from '@trivium/contracts';
import { compileContract } from './contract.ts';
import { createSchemaCompiler } from './schema-compiler.ts';

type ContractBucket = Pick<Bucket, 'get' | 'put' | 'delete' | 'entries'>;

/** The record under a key of the bucket, or why it is none. */
export function readRecord(key: string, value: Uint8Array): Result<ContractRecord> {
  const record = decodeJson(ContractRecord, value);
  if (record.ok && contractKey(record.value.name) !== key)
    return refuse('payload.invalid', `it says that its name is ${record.value.name}`);
  return record;
}

/**
 * Stores a contract, in place of one with its name. Doors enforce it as soon as they see it. Throws a `TriviumError`: `payload.invalid`
 * for one that they could not use or whose filter another one has, else what the bus says.
 */
export async function storeContract(bucket: ContractBucket, record: ContractRecord): Promise<void> {
  const contract = compileContract(record, createSchemaCompiler());
  if (!contract.ok) throw new TriviumError(contract.error.code, contract.error.message);
  const other = (await storedContracts(bucket)).find(
    ({ name, filter }) => filter === record.filter && name !== record.name,
  );
  if (other !== undefined)
    throw new TriviumError(
      'payload.invalid',
      `contract ${other.name} has the filter ${other.filter} already`,
    );
  await bucket.put(contractKey(record.name), encodeJson(ContractRecord, record));
}

/** False: there was none. */
export async function removeContract(bucket: ContractBucket, name: string): Promise<boolean> {
  const key = contractKey(name);
  if ((await bucket.get(key)) === undefined) return false;
  return bucket.delete(key);
}

/** Those that can be read, by name. */
export async function storedContracts(bucket: Pick<Bucket, 'entries'>): Promise<ContractRecord[]> {
  const records = (await bucket.entries()).map(({ key, value }) => readRecord(key, value));
  return records.flatMap((each) => (each.ok ? each.value : [])).sort((a, b) => (a.name < b.name ? -1 : 1));
}
