import type { Bus } from '@trivium/bus';
import { decodeJson, ShareRecord } from '@trivium/contracts';
import { SHARE_CONSUMERS } from '@trivium/delivery';
import { ok, some, warn, type Finding } from '../finding.ts';

/** A consumer goes with the last member of its share. */
export async function checkShares(bus: Bus): Promise<Finding[]> {
  const [consumers, entries] = await Promise.all([
    bus.shared.list(SHARE_CONSUMERS),
    bus.bucket('shares').entries(),
  ]);
  const owned = new Set<string>();
  for (const { value } of entries) {
    const share = decodeJson(ShareRecord, value);
    if (share.ok && Object.keys(share.value.members).length > 0) owned.add(share.value.consumer);
  }
  const orphans = consumers.map(({ name }) => name).filter((name) => !owned.has(name));
  if (orphans.length === 0) return [ok('shares', `${owned.size} shared subscriptions`)];
  return [
    warn(
      'shares',
      `${orphans.length} consumers of shared subscriptions have no members: ${some(orphans)}`,
      'a router takes them away within minutes; if they stay, see its log',
    ),
  ];
}
