import type { Bus } from '@trivium/bus';
import { ContractRecord, decodeJson } from '@trivium/contracts';
import { compileContract, createSchemaCompiler } from '@trivium/message-contracts';
import { fail, ok, type Finding } from '../finding.ts';

export async function checkContracts(bus: Bus): Promise<Finding[]> {
  const entries = await bus.bucket('contracts').entries();
  const compiler = createSchemaCompiler();
  const faults = entries.flatMap(({ key, value }) => {
    const record = decodeJson(ContractRecord, value);
    const contract = record.ok ? compileContract(record.value, compiler) : record;
    return contract.ok ? [] : [`${key}: ${contract.error.message}`];
  });
  if (faults.length === 0) return [ok('contracts', `${entries.length} contracts`)];
  return faults.map((fault) =>
    fail(
      'contracts',
      `${fault}; doors do not hold messages to it`,
      'contracts add it anew, or contracts remove it',
    ),
  );
}
