import type { PublishingDoor, TestQoS } from './clients/client.ts';

export const POLICIES = ['reject', 'tag', 'dead-letter'] as const;
export type Policy = (typeof POLICIES)[number];

/** What becomes of a message that breaks its contract. */
export type Fate = 'refused' | 'dropped' | 'tagged' | 'put aside';

/** What the contract's policy comes to at a door: where the protocol has no way to say no, nothing is refused. */
export function fateOf(policy: Policy, { saysNo }: PublishingDoor, qos: TestQoS): Fate {
  if (policy === 'tag') return 'tagged';
  if (policy === 'dead-letter') return 'put aside';
  if (saysNo === 'always' || (saysNo === 'acknowledged' && qos > 0)) return 'refused';
  return qos === 0 ? 'dropped' : 'put aside';
}
