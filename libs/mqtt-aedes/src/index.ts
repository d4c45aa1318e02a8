export { createAedesDoor } from './create-aedes-door.ts';
export type { AedesDoor, AedesDoorOptions, Peer } from './aedes-door.ts';
export type { AedesConfig } from './config.ts';
export type { ClientOwner, ClientOwners } from './client-owners.ts';
export type { MessageSpan, Tracing } from './tracing.ts';
export type { AedesDoorStats } from './stats.ts';
