export { listenerSections, proxySection } from './config.ts';
export type { ProxyConfig } from './config.ts';
export { proxyFaults } from './proxy-sources.ts';
export { createArrivals } from './arrivals.ts';
export type { Arrivals, ArrivalsOptions, GuardOptions } from './arrivals.ts';
export { LISTENER_METRICS } from './stats.ts';
export type { ListenerStats } from './stats.ts';
