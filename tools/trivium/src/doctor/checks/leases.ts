import type { Bus } from '@trivium/bus';
import { decodeJson, DoorLease, PARTITIONS } from '@trivium/contracts';
import { fail, ok, some, warn, type Finding } from '../finding.ts';

/** Who is alive by its lease: those that stop renewing are not in the bucket any more. */
export async function checkLeases(bus: Bus): Promise<Finding[]> {
  const leases = bus.bucket('leases');
  const [doors, partitions] = await Promise.all([leases.entries('door.*'), leases.entries('partition.*')]);
  const services = new Map<string, number>();
  for (const { value } of doors) {
    const lease = decodeJson(DoorLease, value);
    if (lease.ok) services.set(lease.value.service, (services.get(lease.value.service) ?? 0) + 1);
  }
  const alive = [...services].map(([service, count]) => `${count} ${service}`).sort();
  return [
    alive.length === 0
      ? fail('leases', 'no door is alive: no client can be connected', 'start one, or see why it does not')
      : ok('leases', `doors alive: ${some(alive)}`),
    routers(partitions.length),
  ];
}

function routers(held: number): Finding {
  const meaning = 'nobody keeps presence, or publishes wills of dead doors, for the others';
  if (held === PARTITIONS) return ok('leases', `routers hold all ${PARTITIONS} partitions`);
  if (held > 0)
    return warn(
      'leases',
      `routers hold ${held} of ${PARTITIONS} partitions: ${meaning}`,
      'look again in some seconds; see the logs of the routers',
    );
  return fail('leases', `no router is alive: ${meaning}; messages are delivered all the same`, 'start one');
}
