import { decodeJson, encodeJson, encodeToken, PartitionLease, partitionLeaseKey } from '@trivium/contracts';

/** Pattern of the keys of all partitions in bucket `leases`. */
export const EVERY_PARTITION = 'partition.*';

/** Pattern of the keys of all routers in bucket `leases`. */
export const EVERY_ROUTER = 'router.*';

const FIRST_PARTITION = partitionLeaseKey(0);

/** The number in a key that `partitionLeaseKey` made. */
export function partitionOfKey(key: string): number {
  return Number(key.slice(FIRST_PARTITION.length - 1));
}

/** A router that takes part in the placement. */
export function routerLeaseKey(incarnation: string): string {
  return `router.${encodeToken(incarnation)}`;
}

/** The incarnation in a key that `routerLeaseKey` made (incarnations are tokens). */
export function routerOfKey(key: string): string {
  return key.slice(EVERY_ROUTER.length - 1);
}

export function ownerValue(incarnation: string): Uint8Array {
  return encodeJson(PartitionLease, { v: 1, owner: incarnation });
}

/** Incarnation of the owner; undefined for what is not a lease of a version that is read here. */
export function ownerOf(bytes: Uint8Array): string | undefined {
  const lease = decodeJson(PartitionLease, bytes);
  return lease.ok ? lease.value.owner : undefined;
}
