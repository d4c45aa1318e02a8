import type { Bucket, Logger } from '@trivium/bus';
import type { ContractRecord, Topic } from '@trivium/contracts';
import { compileContract, type Contract } from './contract.ts';
import { createContractTree } from './contract-tree.ts';
import { createSchemaCompiler, type SchemaCompiler } from './schema-compiler.ts';
import { bySpecificity } from './specificity.ts';
import { createStats, type ContractStats } from './stats.ts';
import { readRecord } from './stored-contracts.ts';
import type { Violation } from './violation.ts';

/** What a door keeps with a topic that it remembers. A new one begins with `contractsVersion` -1. */
export interface ContractSlot {
  readonly topic: Topic;
  contract: Contract | undefined;
  contractsVersion: number;
}

/** What of a message its contract looks at. */
export interface Checked {
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly contentType: string | undefined;
}

/** The contracts of the site, as they are now. */
export interface MessageContracts {
  /** Grows with every change. */
  readonly version: number;
  /** Brings a slot whose `contractsVersion` is not `version` up to date. */
  renew(slot: ContractSlot): void;
  /** The contract of a topic, for callers that keep no slots: topics are remembered here. */
  of(topic: Topic): Contract | undefined;
  /**
   * How the message breaks the contract, and counts it; undefined: it does not. An empty payload that clears what is retained is no message
   * to check.
   */
  check(contract: Contract, message: Checked): Violation | undefined;
  /** The most specific first. */
  list(): readonly ContractRecord[];
  readonly stats: Readonly<ContractStats>;
}

export interface WatchedContracts extends MessageContracts {
  /** Resolves when all that are stored are known: a door takes no client before. */
  readonly ready: Promise<void>;
  close(): void;
}

export interface MessageContractsOptions {
  bus: { bucket(name: 'contracts'): Pick<Bucket, 'watch'> };
  logger: Logger;
  compiler?: SchemaCompiler;
}

/** Topics remembered by `of`. */
const MAX_TOPICS = 20_000;

/** The contracts in the bucket `contracts`, followed as they change. One that cannot be used is logged, counted and not enforced. */
export function watchContracts({
  bus,
  logger,
  compiler = createSchemaCompiler(),
}: MessageContractsOptions): WatchedContracts {
  const byKey = new Map<string, Contract>();
  const unusable = new Set<string>();
  const stats = createStats();
  const topics = new Map<string, Contract | undefined>();
  let tree = createContractTree<Contract>();
  let sorted: readonly Contract[] = [];
  let version = 0;
  let isReady = false;
  let settle = (): void => undefined;
  const ready = new Promise<void>((resolve) => (settle = resolve));

  const rebuild = (): void => {
    // Of two for one filter the first by name counts, in every door.
    sorted = [...byKey.values()].sort(
      (a, b) => bySpecificity(a.filter, b.filter) || (a.record.name < b.record.name ? -1 : 1),
    );
    tree = createContractTree();
    for (const contract of sorted) {
      if (tree.add(contract.filter, contract)) continue;
      logger.warn(
        { contract: contract.record.name, filter: contract.filter },
        'another contract has this filter',
      );
    }
    topics.clear();
    version++;
    stats.contracts = byKey.size;
    stats.unusable = unusable.size;
  };

  const learn = (key: string, value: Uint8Array | undefined): void => {
    byKey.delete(key);
    unusable.delete(key);
    if (value !== undefined) {
      const record = readRecord(key, value);
      const contract = record.ok ? compileContract(record.value, compiler) : record;
      if (contract.ok) byKey.set(key, contract.value);
      else {
        unusable.add(key);
        logger.error({ key, reason: contract.error.message }, 'a message contract cannot be used');
      }
    }
    if (isReady) rebuild();
  };

  const watch = bus.bucket('contracts').watch('>', learn, () => {
    isReady = true;
    rebuild();
    settle();
  });

  return {
    get version() {
      return version;
    },
    renew(slot) {
      slot.contract = tree.find(slot.topic);
      slot.contractsVersion = version;
    },
    of(topic) {
      if (byKey.size === 0) return undefined;
      const known = topics.get(topic);
      if (known !== undefined || topics.has(topic)) return known;
      const found = tree.find(topic);
      if (topics.size >= MAX_TOPICS) topics.clear();
      topics.set(topic, found);
      return found;
    },
    check(contract, { payload, retain, contentType }) {
      if (retain && payload.length === 0) return undefined;
      stats.checked++;
      const violation = contract.violation(payload, contentType);
      if (violation !== undefined) stats.violations[violation.policy]++;
      return violation;
    },
    list: () => sorted.map(({ record }) => record),
    stats,
    ready,
    close: () => watch.close(),
  };
}

/** For a door of a site that has none. */
export const NO_CONTRACTS: MessageContracts = {
  version: 0,
  renew(slot) {
    slot.contract = undefined;
    slot.contractsVersion = 0;
  },
  of: () => undefined,
  check: () => undefined,
  list: () => [],
  stats: createStats(),
};
