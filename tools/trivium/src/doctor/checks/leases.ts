import type { Bus } from '@trivium/bus';
import { PARTITIONS, type DoorLease } from '@trivium/contracts';
import { livingDoors } from '@trivium/explain';
import { fail, ok, some, warn, type Finding } from '../finding.ts';

/** Who is alive by its lease: those that stop renewing are not in the bucket any more. */
export async function checkLeases(bus: Bus): Promise<Finding[]> {
  const [doors, partitions] = await Promise.all([
    livingDoors(bus),
    bus.bucket('leases').entries('partition.*'),
  ]);
  const services = new Map<string, number>();
  for (const { service } of doors) services.set(service, (services.get(service) ?? 0) + 1);
  const alive = [...services].map(([service, count]) => `${count} ${service}`).sort();
  return [
    alive.length === 0
      ? fail('leases', 'no door is alive: no client can be connected', 'start one, or see why it does not')
      : ok('leases', `doors alive: ${some(alive)}`),
    ...credentials(doors),
    routers(partitions.length),
  ];
}

/** What the doors do, whatever the settings here are. */
function credentials(doors: readonly DoorLease[]): Finding[] {
  const telling = doors.filter(({ authRequired }) => authRequired !== undefined);
  const open = telling.filter(({ authRequired }) => authRequired === false);
  if (telling.length === 0) return [];
  if (open.length === 0) return [ok('leases', 'all doors alive ask for credentials')];
  const text = `anonymous clients get in at ${open.length} of ${telling.length} doors (auth.required is off there)`;
  return open.length === telling.length
    ? [ok('leases', text)]
    : [warn('leases', text, 'give all doors the same TRIVIUM_AUTH_REQUIRED')];
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
