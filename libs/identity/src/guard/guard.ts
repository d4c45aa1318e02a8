import { isIPv6 } from 'node:net';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { IdentityStats } from '../stats.ts';
import { createFailures } from './failures.ts';

/** Against guessing: who failed is answered later and later, and then not heard, by the name that was tried and by where it came from. */
export interface Guard {
  /**
   * Before something is verified that could be guessed, or after something failed that could not. How long to wait first, in milliseconds;
   * refused with `rate.limited` when that would be too long, or any time for who cannot wait. A try by name counts as a failure until
   * `succeeded` or `dropped`.
   */
  admit(address: string, name: string | undefined, canWait: boolean): Result<number>;
  /** Somebody there was wrong. */
  failed(address: string, name: string | undefined): void;
  /** From there this name is not slowed down until it fails. */
  succeeded(address: string, name: string): void;
  /** Whether it was right was not found out. */
  dropped(name: string): void;
}

export interface GuardOptions {
  /** Milliseconds. */
  clock: () => number;
  stats: Pick<IdentityStats, 'delayed' | 'refused'>;
}

/** One device: it knows its password, or fails and fails. */
const NAMES = { free: 5, apartMs: 250, mostApartMs: 4_000, most: 20_000 };
/** A site behind one address may have a thousand devices, of which some fail; who tries many names is to be slowed down all the same. */
const ADDRESSES = { free: 20, apartMs: 125, mostApartMs: 1_000, most: 20_000 };
const MOST_WAIT_MS = 5_000;
const MOST_TRUSTED = 50_000;

export function createGuard({ clock, stats }: GuardOptions): Guard {
  const names = createFailures(NAMES);
  const addresses = createFailures(ADDRESSES);
  /** Names, each with where it was last proved from. */
  const trusted = new Map<string, string>();

  return {
    admit(address, name, canWait) {
      const now = clock();
      const from = network(address);
      if (name !== undefined && trusted.get(name) === from) {
        names.add(name, now);
        return accept(0);
      }
      const byName = name === undefined ? 0 : names.waitMs(name, now);
      const wait = Math.max(addresses.waitMs(from, now), byName);
      if (wait > (canWait ? MOST_WAIT_MS : 0)) {
        stats.refused++;
        return refuse('rate.limited', 'too many failed sign-ins; try again later', Math.ceil(wait));
      }
      if (wait > 0) stats.delayed++;
      addresses.book(from, now + wait, now);
      if (name !== undefined) {
        names.book(name, now + wait, now);
        names.add(name, now);
      }
      return accept(wait);
    },
    failed(address, name) {
      const from = network(address);
      addresses.add(from, clock());
      if (name !== undefined && trusted.get(name) === from) trusted.delete(name);
    },
    succeeded(address, name) {
      names.takeBack(name, clock());
      trusted.delete(name);
      if (trusted.size >= MOST_TRUSTED) trusted.delete(trusted.keys().next().value!);
      trusted.set(name, network(address));
    },
    dropped: (name) => names.takeBack(name, clock()),
  };
}

/** What one customer of a provider has: the address, or the first 64 bits of it. */
function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [bare] = address.split('%') as [string];
  const [head = '', tail = ''] = bare.split('::') as [string, string?];
  const [front, back] = [head, tail].map((part) => (part === '' ? [] : part.split(':'))) as [
    string[],
    string[],
  ];
  const gap = bare.includes('::') ? Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0') : [];
  return [...front, ...gap, ...back]
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':');
}
