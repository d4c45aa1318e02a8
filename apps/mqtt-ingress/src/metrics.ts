import { CONTRACT_METRICS, type ContractStats } from '@trivium/message-contracts';
import { DOOR_METRICS } from '@trivium/mqtt';
import { registerCounters, type CounterDescription, type Reading } from '@trivium/telemetry';
import type { TcpDoor } from './engine.ts';

type Shown<S> = Readonly<Record<string, CounterDescription & { readonly of: keyof S & string }>>;

const SHOWN: Shown<TcpDoor['stats']> = {
  ...DOOR_METRICS,
  'trivium.mqtt.caught.faults': { description: 'Faults caught on the border to aedes', of: 'caughtFaults' },
};

/** Publishes the numbers of the door, and of the contracts it checks, as metrics. Returns how to stop. */
export function publishDoorMetrics(stats: TcpDoor['stats'], contracts: ContractStats): () => void {
  const stops = [
    publish('trivium.mqtt', stats, SHOWN),
    publish('trivium.contracts', contracts, CONTRACT_METRICS),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function publish<S extends object>(meter: string, stats: S, shown: Shown<S>): () => void {
  const names = Object.entries(shown);
  const read = (): Record<string, Reading> =>
    Object.fromEntries(names.map(([name, { of }]) => [name, (stats[of] ?? 0) as Reading]));
  return registerCounters(meter, read, shown);
}
