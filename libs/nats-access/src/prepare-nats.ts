import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { authConf } from './auth-conf.ts';
import { ensureKey } from './key-files.ts';
import { NATS_USERS, type NatsUser } from './needs.ts';

/** Where the keys are and where NATS reads who may do what. */
export interface NatsPlaces {
  keyOf(user: NatsUser): string;
  authFile: string;
}

/** Makes the keys that are missing and writes the permissions anew, so that an upgrade brings its own. */
export function prepareNats({ keyOf, authFile }: NatsPlaces): void {
  const publicKeys = Object.fromEntries(NATS_USERS.map((user) => [user, ensureKey(keyOf(user))]));
  mkdirSync(dirname(authFile), { recursive: true });
  const partial = `${authFile}.${process.pid}`;
  writeFileSync(partial, authConf(publicKeys), { mode: 0o644 });
  renameSync(partial, authFile);
}
