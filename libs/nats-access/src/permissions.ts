import { BUCKETS, inboxPrefix, STREAMS, type BucketName } from '@trivium/contracts';
import { NATS_USERS, needsOf, type NatsUser, type Needs } from './needs.ts';

/** Subjects that a user of NATS may publish to and subscribe to; nothing else. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Streams and buckets, by the names that they have at NATS. */
const ALL_STREAMS = [...Object.keys(STREAMS), ...Object.keys(BUCKETS).map((name) => `KV_${name}`)];
const LOG = 'MESSAGES';

/** What NATS is told of a user, worked out of what the service needs. */
export function permissionsOf(user: NatsUser): Permissions {
  if (user === 'admin') return { publish: ['>'], subscribe: ['>'] };
  const needs = needsOf[user];
  const kept = keys(needs.reads);
  return {
    publish: [
      ...needs.says,
      ...keys(needs.writes).map(({ subject }) => subject),
      ...needs.streams.flatMap((stream) => reading(stream)),
      ...kept.flatMap(({ stream, subject }) => reading(stream, subject)),
      ...new Set([...needs.streams, ...kept.map(({ stream }) => stream)].flatMap(consuming)),
      ...(needs.shares ? SHARES : []),
      ...ALL_STREAMS.flatMap((stream) => [call('STREAM.INFO', stream), call('STREAM.CREATE', stream)]),
      ...(needs.settles ? ALL_STREAMS.map((stream) => call('STREAM.UPDATE', stream)) : []),
      ...needs.erases.map((stream) => call('STREAM.MSG.DELETE', stream)),
      // Who asks is told where it asks from; only the asker hears there.
      ...NATS_USERS.map((one) => `${inboxPrefix(one)}.>`),
    ],
    subscribe: [...needs.hears, `${inboxPrefix(user)}.>`],
  };
}

const call = (name: string, ...rest: readonly string[]): string => ['$JS.API', name, ...rest].join('.');

/** The keys of `of`, as they are named at NATS. */
function keys(of: Needs['reads']): { stream: string; subject: string }[] {
  return (Object.entries(of) as [BucketName, readonly string[]][]).flatMap(([bucket, filters]) =>
    filters.map((filter) => ({ stream: `KV_${bucket}`, subject: `$KV.${bucket}.${filter}` })),
  );
}

/**
 * Reads by position and by subject, and consumers: of a whole stream, or of the part of it that `only` names. A bucket that may be read wholly
 * is read by keys all the same.
 */
function reading(stream: string, only?: string): string[] {
  const byKey = only !== undefined && `${call('DIRECT.GET', stream)}.${only}`;
  if (byKey) return [byKey, `${call('CONSUMER.CREATE', stream)}.*.${only}`];
  return [
    call('DIRECT.GET', stream),
    `${call('DIRECT.GET', stream)}.>`,
    call('STREAM.MSG.GET', stream),
    `${call('CONSUMER.CREATE', stream)}.>`,
  ];
}

/** What keeps a consumer going. */
const consuming = (stream: string): string[] => [
  `${call('CONSUMER.INFO', stream)}.*`,
  `${call('CONSUMER.DELETE', stream)}.*`,
  `$JS.FC.${stream}.>`,
];

const SHARES = [call('CONSUMER.LIST', LOG), `${call('CONSUMER.MSG.NEXT', LOG)}.*`, `$JS.ACK.${LOG}.>`];
