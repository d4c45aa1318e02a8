import type { Access } from './access.ts';
import type { Identity } from './identity.ts';

/** What somebody who stays connected may do now, and whether it may stay: one per connection or event stream. */
export interface Rights {
  readonly access: Access;
  /** Some of its filters bring what it may not receive: each message is asked for by `mayReceive`. */
  readonly guarded: boolean;
  /** Takes the filter into what it holds. False: it may not have it. */
  subscribe(filter: string, shared?: boolean): boolean;
  unsubscribe(filter: string): void;
  mayReceive(topic: string): boolean;
  /**
   * A turn of the door's clock, once a second. False, and false from then on: it is somebody no more, or holds a filter that it may not
   * have any more; whoever has the connection ends it (`auth.denied`).
   */
  holds(nowMs: number): boolean;
  /** It has proved again who it is; false as with `holds`. */
  renew(access: Access): boolean;
}

export function createRights(identity: Pick<Identity, 'version'>, first: Access): Rights {
  let access = first;
  let seen = identity.version;
  let guarded = false;
  let lost = false;
  /** Whether each is a shared one, by filter. */
  const filters = new Map<string, boolean>();

  /** All of them by the rules of now. */
  const judgeAgain = (): boolean => {
    guarded = false;
    for (const [filter, shared] of filters) {
      const ruling = access.subscription(filter, shared);
      if (ruling === 'refused') return false;
      guarded ||= ruling === 'guarded';
    }
    return true;
  };

  return {
    get access() {
      return access;
    },
    get guarded() {
      return guarded;
    },
    subscribe(filter, shared = false) {
      const ruling = access.subscription(filter, shared);
      if (ruling === 'refused') return false;
      filters.set(filter, shared);
      guarded ||= ruling === 'guarded';
      return true;
    },
    unsubscribe: (filter) => void filters.delete(filter),
    mayReceive: (topic) => !guarded || access.may('receive', topic),
    holds(nowMs) {
      if (lost) return false;
      const { version } = identity;
      const { expiresAt } = access.principal;
      if (version === seen && (expiresAt === undefined || nowMs < expiresAt)) return true;
      seen = version;
      lost = !(access.renew(nowMs) && judgeAgain());
      return !lost;
    },
    renew(renewed) {
      access = renewed;
      lost = !judgeAgain();
      return !lost;
    },
  };
}
