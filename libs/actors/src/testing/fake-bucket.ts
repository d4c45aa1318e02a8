import type { Bucket, Entry, Watch } from '@trivium/bus';
import type { BucketName } from '@trivium/contracts';
import type { Clock } from '../clock.ts';

interface Stored {
  value: Uint8Array;
  revision: number;
  marker: boolean;
}

interface Watcher {
  matches(key: string): boolean;
  tell(key: string, value: Uint8Array | undefined, revision: number): void;
}

/** A key-value bucket as NATS keeps it: revisions of the whole bucket, compare-and-set, markers, time to live, watches in order. */
export interface FakeBucketStore {
  get(key: string): Entry | undefined;
  put(key: string, value: Uint8Array, expect?: number, ttlSeconds?: number): number | undefined;
  delete(key: string, expect?: number): boolean;
  entries(filter: string): Entry[];
  watch(filter: string, onEntry: Watcher['tell']): () => void;
}

export function createFakeBucketStore(clock: Clock): FakeBucketStore {
  const keys = new Map<string, Stored>();
  const watchers = new Set<Watcher>();
  let last = 0;

  const write = (key: string, value: Uint8Array, marker: boolean): number => {
    const revision = ++last;
    keys.set(key, { value: value.slice(), revision, marker });
    for (const watcher of watchers)
      if (watcher.matches(key)) watcher.tell(key, marker ? undefined : value.slice(), revision);
    return revision;
  };
  const holds = (key: string, expect: number | undefined): boolean => {
    if (expect === undefined) return true;
    const found = keys.get(key);
    return found === undefined || found.marker
      ? expect === 0 || found?.revision === expect
      : found.revision === expect;
  };
  const entriesOf = (filter: string): Entry[] =>
    [...keys]
      .filter(([key, stored]) => !stored.marker && matcher(filter)(key))
      .map(([key, { value, revision }]) => ({ key, value, revision }));

  return {
    get(key) {
      const found = keys.get(key);
      return found === undefined || found.marker
        ? undefined
        : { key, value: found.value, revision: found.revision };
    },
    put(key, value, expect, ttlSeconds) {
      if (!holds(key, expect)) return undefined;
      const revision = write(key, value, false);
      if (ttlSeconds !== undefined) {
        clock.after(ttlSeconds * 1_000, () => {
          if (keys.get(key)?.revision === revision) write(key, new Uint8Array(0), true);
        });
      }
      return revision;
    },
    delete(key, expect) {
      if (!holds(key, expect)) return false;
      write(key, new Uint8Array(0), true);
      return true;
    },
    entries: entriesOf,
    watch(filter, onEntry) {
      const watcher = { matches: matcher(filter), tell: onEntry };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

function matcher(filter: string): (key: string) => boolean {
  if (filter === '>') return () => true;
  const tokens = filter.split('.');
  return (key) => {
    const parts = key.split('.');
    return parts.length === tokens.length && tokens.every((token, i) => token === '*' || token === parts[i]);
  };
}

/** What one client sees of a store: `call` is how its requests travel, `deliver` how news comes back. */
export function viewBucket(
  name: BucketName,
  store: FakeBucketStore,
  call: <T>(what: string, act: () => T) => Promise<T>,
  deliver: (task: () => void) => void,
): Bucket {
  return {
    name,
    get: (key) => call(`get ${key}`, () => store.get(key)),
    put: (key, value, { expect, ttlSeconds } = {}) =>
      call(`put ${key}`, () => store.put(key, value, expect, ttlSeconds)),
    delete: (key, expect) => call(`delete ${key}`, () => store.delete(key, expect)),
    entries: (filter = '>') => call('entries', () => store.entries(filter)),
    watch(filter, onEntry, onReady): Watch {
      let open = true;
      const later = (task: () => void): void => deliver(() => open && task());
      for (const { key, value, revision } of store.entries(filter))
        later(() => onEntry(key, value, revision));
      if (onReady !== undefined) later(onReady);
      const close = store.watch(filter, (key, value, revision) => later(() => onEntry(key, value, revision)));
      return {
        close() {
          open = false;
          close();
        },
      };
    },
  };
}
