/** A JetStream stream as the bus provisions it; the names follow the server's (in camel case), times are milliseconds. */
export interface StreamSettings {
  readonly subjects: readonly string[];
  readonly storage: 'file';
  readonly discard: 'old';
  /** 0: no limit. A default: the site's retention may say otherwise. */
  readonly maxAgeMs: number;
  readonly maxMsgsPerSubject?: number;
  readonly duplicateWindowMs?: number;
  readonly allowDirect: boolean;
  readonly allowBatched?: boolean;
  readonly allowMsgTtl?: boolean;
  readonly allowMsgSchedules?: boolean;
  /** Not provisioned unless the bus is told to: the second form of the durable feed, for many doors. */
  readonly optionalRepublish?: { readonly src: string; readonly dest: string };
}

export type StreamName = 'MESSAGES' | 'RETAINED' | 'EVENTS' | 'COMMANDS' | 'WAKE' | 'DEADLETTER' | 'AUDIT';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const common = { storage: 'file', discard: 'old', allowDirect: true } as const;

/** The streams of the wire contract. */
export const STREAMS: Readonly<Record<StreamName, StreamSettings>> = {
  /** The log: every durable message. */
  MESSAGES: {
    ...common,
    subjects: ['tv1.m.1.>', 'tv1.m.2.>'],
    maxAgeMs: 7 * DAY,
    duplicateWindowMs: 2 * MINUTE,
    allowBatched: true,
    optionalRepublish: { src: 'tv1.m.*.>', dest: 'tv1.s.{{wildcard(1)}}.>' },
  },
  /** The last retained message of each topic; the entry's TTL is the message's expiry. */
  RETAINED: { ...common, subjects: ['tv1.r.>'], maxAgeMs: 0, maxMsgsPerSubject: 1, allowMsgTtl: true },
  /** Connected, disconnected, subscribed, shadow, … */
  EVENTS: { ...common, subjects: ['tv1.e.>'], maxAgeMs: DAY },
  /** Commands queued for devices that are away, `tv1.q.<client>`; the TTL is the command's. */
  COMMANDS: { ...common, subjects: ['tv1.q.>'], maxAgeMs: 7 * DAY, allowMsgTtl: true },
  /** Deferred messages: schedules and, in the same stream as the server demands, what they fired. */
  WAKE: { ...common, subjects: ['tv1.w.>'], maxAgeMs: 0, allowMsgTtl: true, allowMsgSchedules: true },
  /** Messages that an actor could not handle, after its tries, and those that broke a contract of the site. */
  DEADLETTER: { ...common, subjects: ['tv1.l.>'], maxAgeMs: 30 * DAY },
  /** Who changed what. */
  AUDIT: { ...common, subjects: ['tv1.a.>'], maxAgeMs: 90 * DAY },
};
