import type { Access } from '@trivium/identity';

/** What the client of a connection may do. */
export interface Rights {
  /** As it stands now; another one once the client has proven itself again. From the claim of its session on. */
  readonly access: Access;
}

/** Whether a message to `topic` may be published, and be the retained one of it if it is to. */
export function mayPublish(access: Access, topic: string, retain: boolean): boolean {
  return access.unrestricted || (access.may('publish', topic) && (!retain || access.may('retain', topic)));
}
