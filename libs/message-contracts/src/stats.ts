import type { ViolationPolicy } from '@trivium/contracts';

/** What a process has checked. Plain numbers: counting costs an increment. */
export interface ContractStats {
  /** Contracts known now. */
  contracts: number;
  /** Of those stored, the ones that cannot be used. */
  unusable: number;
  /** Messages on topics with a contract. */
  checked: number;
  /** Of them, those that broke it, by what became of them. */
  violations: Record<ViolationPolicy, number>;
}

export function createStats(): ContractStats {
  return { contracts: 0, unusable: 0, checked: 0, violations: { reject: 0, tag: 0, 'dead-letter': 0 } };
}

/** The numbers as metrics; `of` names the number. */
export const CONTRACT_METRICS = {
  'trivium.contracts': { description: 'Message contracts known', kind: 'gauge', of: 'contracts' },
  'trivium.contracts.unusable': {
    description: 'Stored message contracts that cannot be used',
    kind: 'gauge',
    of: 'unusable',
  },
  'trivium.contracts.checked': { description: 'Messages on topics with a contract', of: 'checked' },
  'trivium.contracts.violations': {
    description: 'Messages that broke their contract',
    label: 'policy',
    of: 'violations',
  },
} as const satisfies Record<
  string,
  { description: string; kind?: 'gauge'; label?: string; of: keyof ContractStats }
>;
