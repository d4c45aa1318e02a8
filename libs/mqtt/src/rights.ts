import type { Access, Identity } from '@trivium/identity';
import type { JudgeWill } from '@trivium/sessions';

/** What the client of a connection may do. */
export interface Rights {
  /** As it stands now; another one once the client has proven itself again. From the claim of its session on. */
  readonly access: Access;
}

/** Whether a message to `topic` may be published, and be the retained one of it if it is to. */
export function mayPublish(access: Access, topic: string, retain: boolean): boolean {
  return access.unrestricted || (access.may('publish', topic) && (!retain || access.may('retain', topic)));
}

/** Whether a client that is not connected here may still leave its will, as far as it is known now. */
export function createWillJudge(identity: Pick<Identity, 'access'>): JudgeWill {
  return (client, { topic, retain, author }) => {
    if (author === undefined) return true;
    const { assigned, ...principal } = author;
    const access = identity.access(principal, client, assigned);
    return access.ok && mayPublish(access.value, topic, retain);
  };
}
