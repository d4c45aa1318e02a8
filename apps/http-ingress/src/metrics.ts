import { registerCounters, type CounterDescription, type Reading } from '@trivium/telemetry';

/** A metric's description, and which of the numbers it shows. */
export type Shown<S> = CounterDescription & { readonly of: keyof S & string };

/** Publishes the plain numbers of `stats` as metrics. Returns how to stop. */
export function publishNumbers<S extends object>(
  meter: string,
  stats: S,
  shown: Readonly<Record<string, Shown<S>>>,
): () => void {
  const names = Object.entries(shown);
  const read = (): Record<string, Reading> =>
    Object.fromEntries(names.map(([name, { of }]) => [name, stats[of] as Reading]));
  return registerCounters(meter, read, shown);
}
