import { eachOf } from '../generator/each-of.ts';
import { Link } from '../generator/link.ts';
import type { Address } from '../generator/plan.ts';
import type { SessionPlan } from './session-plan.ts';

const AT_ONCE = 200;

/** Makes the persistent sessions, spread over the doors, and leaves them by DISCONNECT. */
export async function createSessions(
  plans: readonly SessionPlan[],
  doors: readonly Address[],
  readBuffer: Buffer,
): Promise<void> {
  const nothing = () => undefined;
  const handlers = {
    packet: nothing,
    readStarts: nothing,
    readEnds: nothing,
    drained: nothing,
    lost: nothing,
  };
  const create = async ({ index, clientId, filter }: SessionPlan) => {
    const address = doors[index % doors.length] as Address;
    const link = await Link.open({ address, clientId, clean: false, readBuffer, handlers });
    await link.subscribe(filter, 1);
    await link.close();
  };
  await eachOf(plans, create, AT_ONCE);
}
