import { BUCKETS, TriviumError, type BucketName } from '@trivium/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Bucket, Entry } from './bus.ts';
import type { Logger } from './config.ts';
import type { Lane } from './lane.ts';
import type { AckPublisher } from './publisher.ts';
import { createPushReader } from './push-reader.ts';
import { headerBlock } from './wire.ts';

const WRONG_LAST_SEQUENCE = 10071;
/** How long a delete marker stays: keys come and go with clients, and each would otherwise keep its subject for ever. */
const MARKER_TTL = '300s';
const NOTHING = new Uint8Array(0);

interface Last {
  value: Uint8Array;
  revision: number;
  /** A delete or an expiry: the key is absent, but the marker counts as its last revision. */
  marker: boolean;
}

/** A key-value bucket by raw subjects: writes go through the shared publisher, reads are direct gets. */
export function createBucket(
  name: BucketName,
  lane: Lane,
  watchLane: Lane,
  publisher: AckPublisher,
  logger: Logger,
): Bucket {
  const stream = `KV_${name}`;
  const prefix = `$KV.${name}.`;

  const write = (
    key: string,
    value: Uint8Array,
    headers: Uint8Array | undefined,
  ): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      publisher.durable(
        prefix + key,
        value,
        headers,
        {
          stored: (_token, pos) => resolve(pos),
          failed(_token, code, apiCode) {
            if (apiCode === WRONG_LAST_SEQUENCE) resolve(undefined);
            else reject(new TriviumError(code, `${name}/${key}: ${code} ${apiCode ?? ''}`));
          },
        },
        0,
      );
    });

  const last = (key: string): Promise<Last | undefined> => readLast(lane.nc, stream, prefix + key);

  return {
    name,
    async get(key) {
      const found = await last(key);
      return found === undefined || found.marker
        ? undefined
        : { key, value: found.value, revision: found.revision };
    },
    async put(key, value, { expect, ttlSeconds } = {}) {
      const attempt = (revision: number | undefined): Promise<number | undefined> => {
        const pairs: [string, string | number][] = [];
        if (revision !== undefined) pairs.push(['Nats-Expected-Last-Subject-Sequence', revision]);
        if (ttlSeconds !== undefined) pairs.push(['Nats-TTL', `${ttlSeconds}s`]);
        return write(key, value, pairs.length === 0 ? undefined : headerBlock(pairs));
      };
      const revision = await attempt(expect);
      if (revision !== undefined || expect !== 0) return revision;
      const found = await last(key);
      return found?.marker ? attempt(found.revision) : undefined;
    },
    async delete(key, expect) {
      const pairs: [string, string | number][] = [['KV-Operation', 'DEL']];
      if (BUCKETS[name].ttl) pairs.push(['Nats-TTL', MARKER_TTL]);
      if (expect !== undefined) pairs.push(['Nats-Expected-Last-Subject-Sequence', expect]);
      return (await write(key, NOTHING, headerBlock(pairs))) !== undefined;
    },
    entries(filter = '>') {
      return new Promise((resolve) => {
        const entries = new Map<string, Entry>();
        const watch = this.watch(
          filter,
          (key, value, revision) => {
            if (value === undefined) entries.delete(key);
            else entries.set(key, { key, value, revision });
          },
          () => {
            watch.close();
            resolve([...entries.values()]);
          },
        );
      });
    },
    watch(filter, onEntry, onReady) {
      // Keys by revision: after a reconnect the bucket is read anew, and what is no longer there is reported as gone.
      const known = new Map<string, number>();
      let unseen: Set<string> | undefined;
      let initial: number | undefined;
      let received = 0;
      let settled = false;
      const settle = (): void => {
        for (const key of unseen ?? []) {
          known.delete(key);
          onEntry(key, undefined, 0);
        }
        unseen = undefined;
        if (settled) return;
        settled = true;
        onReady?.();
      };
      const reader = createPushReader({
        lane: watchLane,
        stream,
        logger,
        filter: prefix + filter,
        start() {
          unseen = new Set(known.keys());
          initial = undefined;
          received = 0;
          return { deliver_policy: 'last_per_subject' };
        },
        onCreated(atCreation) {
          initial = atCreation;
          if (received >= initial) settle();
        },
        onMessage(pos, message) {
          const key = message.subject.slice(prefix.length);
          unseen?.delete(key);
          if (known.get(key) !== pos) {
            const marker = isMarker(message.headers);
            if (marker) known.delete(key);
            else known.set(key, pos);
            onEntry(key, marker ? undefined : new Uint8Array(message.data), pos);
          }
          if (++received === initial) settle();
        },
      });
      return { close: reader.close };
    },
  };
}

function isMarker(headers: { get(name: string): string } | undefined): boolean {
  if (headers === undefined) return false;
  return headers.get('KV-Operation') !== '' || headers.get('Nats-Marker-Reason') !== '';
}

async function readLast(nc: NatsConnection, stream: string, subject: string): Promise<Last | undefined> {
  const answer = await nc
    .request(`$JS.API.DIRECT.GET.${stream}.${subject}`, undefined, { timeout: 5_000 })
    .catch((cause: unknown) => {
      throw new TriviumError('bus.unavailable', `reading ${subject}`, { cause });
    });
  const headers = answer.headers;
  const status = headers?.code ?? 0;
  if (status === 404) return undefined;
  if (status !== 0)
    throw new TriviumError('bus.unavailable', `reading ${subject}: ${status} ${headers?.description}`);
  return {
    value: new Uint8Array(answer.data),
    revision: Number(headers?.get('Nats-Sequence')),
    marker: isMarker(headers),
  };
}
