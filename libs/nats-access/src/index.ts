export { needsOf, NATS_USERS } from './needs.ts';
export type { NatsUser, Needs } from './needs.ts';
export { permissionsOf } from './permissions.ts';
export type { Permissions } from './permissions.ts';
export { authConf } from './auth-conf.ts';
export { ensureKey, keyFile } from './key-files.ts';
export { prepareNats } from './prepare-nats.ts';
export type { NatsPlaces } from './prepare-nats.ts';
