import { DOOR_METRICS } from '@trivium/mqtt';
import { registerCounters, type CounterDescription, type Reading } from '@trivium/telemetry';
import type { TcpDoor } from './engine.ts';

type Shown = CounterDescription & { readonly of: keyof TcpDoor['stats'] };

const SHOWN: Readonly<Record<string, Shown>> = {
  ...DOOR_METRICS,
  'trivium.mqtt.caught.faults': { description: 'Faults caught on the border to aedes', of: 'caughtFaults' },
};

/** Publishes the numbers of the door as metrics. Returns how to stop. */
export function publishDoorMetrics(stats: TcpDoor['stats']): () => void {
  const names = Object.entries(SHOWN);
  const read = () =>
    Object.fromEntries(names.map(([name, { of }]): [string, Reading] => [name, stats[of] ?? 0]));
  return registerCounters('trivium.mqtt', read, SHOWN);
}
