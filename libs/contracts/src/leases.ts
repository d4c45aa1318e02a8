import { Type } from 'typebox';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/** A living door process: bucket `leases`, key `doorLeaseKey(incarnation)`. */
export const DoorLease = Type.Object(
  {
    v: Type.Literal(1),
    incarnation: Type.String({ minLength: 1 }),
    service: Type.String({ minLength: 1 }),
    host: Type.Optional(Type.String()),
    /** Milliseconds since the epoch. */
    startedAt: Type.Integer({ minimum: 0 }),
    /** Nobody gets in there without credentials. None: it does not say. */
    authRequired: Type.Optional(Type.Boolean()),
  },
  { $id: 'tv1.DoorLease' },
);
export type DoorLease = Static<typeof DoorLease>;

/** Who handles a partition: bucket `leases`, key `partitionLeaseKey(n)`. */
export const PartitionLease = Type.Object(
  { v: Type.Literal(1), owner: Type.String({ minLength: 1, description: 'Incarnation of a router.' }) },
  { $id: 'tv1.PartitionLease' },
);
export type PartitionLease = Static<typeof PartitionLease>;

/** `door.<incarnation>`. */
export function doorLeaseKey(incarnation: string): string {
  return `door.${encodeToken(incarnation)}`;
}

/** `partition.<n>`. */
export function partitionLeaseKey(partition: number): string {
  return `partition.${partition}`;
}
