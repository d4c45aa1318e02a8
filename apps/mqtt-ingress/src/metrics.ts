import { LISTENER_METRICS, type ListenerStats } from '@trivium/listener';
import { CONTRACT_METRICS, type ContractStats } from '@trivium/message-contracts';
import { IDENTITY_METRICS, type IdentityStats } from '@trivium/identity';
import { DOOR_METRICS } from '@trivium/mqtt';
import { registerCounters, type CounterDescription, type Reading } from '@trivium/telemetry';
import type { TcpDoor } from './engine.ts';

type Shown<S> = Readonly<Record<string, CounterDescription & { readonly of: keyof S & string }>>;

const SHOWN: Shown<TcpDoor['stats']> = {
  ...DOOR_METRICS,
  'trivium.mqtt.caught.faults': { description: 'Faults caught on the border to aedes', of: 'caughtFaults' },
};

/** Publishes the numbers of the door, of its listeners, of the contracts it checks and of who signs in, as metrics. Returns how to stop. */
export function publishDoorMetrics(
  stats: TcpDoor['stats'],
  listener: ListenerStats,
  contracts: ContractStats,
  identity: IdentityStats,
): () => void {
  const stops = [
    publish('trivium.mqtt', stats, SHOWN),
    publish('trivium.listener', listener, LISTENER_METRICS),
    publish('trivium.contracts', contracts, CONTRACT_METRICS),
    publish('trivium.identity', identity, IDENTITY_METRICS),
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
