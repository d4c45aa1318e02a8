import type { RouterConfig } from '../config.ts';

/** For tests: everything soon. */
export const routerConfig: RouterConfig = {
  leaseTtlMs: 2_000,
  doorGraceMs: 200,
  maxActors: 1_000,
  sessionMaxMessages: 100_000,
  sessionMaxBytes: 268_435_456,
};
