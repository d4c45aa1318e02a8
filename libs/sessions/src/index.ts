export { createSessionStore, dueWills } from './session-store.ts';
export type { SessionStore, StoredSession } from './session-store.ts';
export { publishWill } from './publish-will.ts';
