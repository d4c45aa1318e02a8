import type { Logger } from '@trivium/bus';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { KeySource } from './key-source.ts';

/** The keys that tokens are verified with, as they are now. */
export interface KeySet {
  /** When they were asked for once, with or without success. */
  readonly ready: Promise<void>;
  /** Grows when they change. */
  readonly version: number;
  /** The key of a token; for one that is not known the URL is asked again, not too often. */
  readonly keyOf: JWTVerifyGetKey;
  close(): void;
}

export interface KeySetOptions {
  source: KeySource;
  logger: Logger;
  /** Milliseconds, monotonic. */
  clock: () => number;
  /** Between two questions to a URL because of a key that is not known. */
  coolDownMs?: number;
}

const LOOK_MS = { file: 1_000, url: 600_000 };
const COOL_DOWN_MS = 30_000;

/** While the URL is away, or the file is broken, the keys that were there count. */
export function createKeySet({ source, logger, clock, coolDownMs = COOL_DOWN_MS }: KeySetOptions): KeySet {
  let keys: JWTVerifyGetKey | undefined;
  let text = '';
  let state: string | undefined;
  let version = 0;
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    askedAt = clock();
    try {
      state = await source.state();
      const found = await source.read();
      if (found === text) return;
      keys = createLocalJWKSet(JSON.parse(found) as JSONWebKeySet);
      text = found;
      version++;
      logger.info({ from: source.name }, 'keys of JWT read');
    } catch (error) {
      const reason = error instanceof SyntaxError ? 'not JSON' : String((error as Error).message);
      logger.warn({ from: source.name, reason }, 'keys of JWT cannot be read; those known before count');
    }
  };
  const ask = (): Promise<void> => (asking ??= read().finally(() => (asking = undefined)));

  const look = async (): Promise<void> => {
    if (source.kind === 'url' || (await source.state()) !== state) await ask();
  };

  const ready = ask();
  const timer = setInterval(() => void look(), LOOK_MS[source.kind]).unref();

  const known: JWTVerifyGetKey = (header, token) => {
    if (keys === undefined) throw new errors.JWKSNoMatchingKey();
    return keys(header, token);
  };

  return {
    ready,
    get version() {
      return version;
    },
    async keyOf(header, token) {
      try {
        return await known(header, token);
      } catch (error) {
        const unknown = error instanceof errors.JWKSNoMatchingKey;
        if (!unknown || source.kind === 'file') throw error;
        if (asking === undefined && clock() - askedAt < coolDownMs) throw error;
      }
      await ask();
      return known(header, token);
    },
    close: () => clearInterval(timer),
  };
}
