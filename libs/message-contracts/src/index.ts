export { compileContract, type Contract } from './contract.ts';
export {
  NO_CONTRACTS,
  watchContracts,
  type Checked,
  type ContractSlot,
  type MessageContracts,
  type MessageContractsOptions,
  type WatchedContracts,
} from './message-contracts.ts';
export { PLAIN_SITE } from './asyncapi-servers.ts';
export type { DescribedSite } from './asyncapi-servers.ts';
export { asyncApi, type AsyncApiOptions } from './asyncapi.ts';
export { overlapsOf, type Overlap } from './overlaps.ts';
export { judge, rulingOn, type Ruling } from './ruling.ts';
export { createSchemaCompiler, type SchemaCompiler } from './schema-compiler.ts';
export { bySpecificity } from './specificity.ts';
export { CONTRACT_METRICS, type ContractStats } from './stats.ts';
export { removeContract, storeContract, storedContracts } from './stored-contracts.ts';
export { letterOf, tagged, type Letter, type Violation } from './violation.ts';
