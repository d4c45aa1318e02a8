export { createSessionStore, dueWills } from './session-store.ts';
export type { SessionStore, StoredSession } from './session-store.ts';
export { publishWill } from './publish-will.ts';
export { createSessionOwners } from './session-owners.ts';
export type { Claim, Owner, SessionOwners, SessionOwnersOptions } from './session-owners.ts';
export type { HeldSession, SessionState } from './held-session.ts';
export type { ExactlyOnceLog, ExactlyOnceState } from './exactly-once-log.ts';
export { throughOutages } from './outage.ts';
