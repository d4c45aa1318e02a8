import type { RouterConfig } from '../config.ts';

/** For tests: everything soon. */
export const routerConfig: RouterConfig = { leaseTtlMs: 2_000, doorGraceMs: 200, maxActors: 1_000 };
