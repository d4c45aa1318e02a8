import { DOOR_METRICS, type DoorStats } from '@trivium/mqtt';
import { registerCounters, type Reading } from '@trivium/telemetry';

/** Publishes the numbers of the door as metrics. Returns how to stop. */
export function publishDoorMetrics(stats: Readonly<DoorStats>): () => void {
  const names = Object.entries(DOOR_METRICS);
  const read = () => Object.fromEntries(names.map(([name, { of }]): [string, Reading] => [name, stats[of]]));
  return registerCounters('trivium.mqtt', read, DOOR_METRICS);
}
