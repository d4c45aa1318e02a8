import { DoorLease, doorLeaseKey, encodeJson } from '@trivium/contracts';
import { systemClock } from './clock.ts';
import { type HeldLease, holdLease, type HoldLeaseOptions } from './hold-lease.ts';

export interface DoorLeaseOptions extends Pick<HoldLeaseOptions, 'bus' | 'ttlMs' | 'clock' | 'onHeld'> {
  /** The door's service name, as in its connection events. */
  service: string;
  /** Name of the machine, for people to read. */
  host?: string;
  /** Nobody gets in here without credentials: for who explains what the door does. */
  authRequired?: boolean;
  /** Close all clients, now and synchronously: from here on routers count them as gone and other doors may have them. */
  onLost(): void;
}

/**
 * The lease of a door process, `door.<incarnation>`. While it is held the door's connections count as alive. `startedAt` is when this lease
 * began: a connection that began before it is gone, even though the door is back. Take no clients before `ready`.
 */
export function holdDoorLease(options: DoorLeaseOptions): HeldLease {
  const { bus, service, host, authRequired, clock = systemClock, ...rest } = options;
  const { incarnation } = bus;
  return holdLease({
    ...rest,
    bus,
    clock,
    key: doorLeaseKey(incarnation),
    value: () =>
      encodeJson(DoorLease, {
        v: 1,
        incarnation,
        service,
        ...(host === undefined ? {} : { host }),
        startedAt: clock.wallMs(),
        ...(authRequired === undefined ? {} : { authRequired }),
      }),
  });
}
