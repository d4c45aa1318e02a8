import type { Bus } from '@trivium/bus';
import { decodeJson, DoorLease } from '@trivium/contracts';

/** What the doors that are alive say of themselves. */
export async function livingDoors(bus: Pick<Bus, 'bucket'>): Promise<DoorLease[]> {
  const entries = await bus.bucket('leases').entries('door.*');
  return entries.flatMap(({ value }) => {
    const lease = decodeJson(DoorLease, value);
    return lease.ok ? [lease.value] : [];
  });
}

/** Whether one of them leaves client ids free as far as built-in policies go: `anyClient` of `clientPermissions`. */
export const isAnyClientAt = (doors: readonly DoorLease[]): boolean =>
  doors.some(({ authRequired }) => authRequired === false);
