import type { Door } from '../clients/client.ts';
import type { Address } from '../mqtt/link.ts';
import type { Target } from './target.ts';

/** What somebody else runs: nothing is killed there, only clients come and go. */
export function externalTarget(addresses: readonly Address[]): Target {
  const doors: Door[] = addresses.map((address, n) => ({ part: `door ${n}`, address }));
  const [first] = doors as [Door];
  return {
    name: addresses.map(({ host, port }) => `${host}:${port}`).join(', '),
    doors,
    observer: { part: 'observer', address: first.address },
    services: [],
    [Symbol.asyncDispose]: async () => undefined,
  };
}
