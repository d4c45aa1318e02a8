import { BUCKETS, STREAMS, TriviumError, type BucketSettings, type StreamSettings } from '@trivium/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import { BUS_DEFAULTS, type BusConfig, type Logger } from './config.ts';
import { api, NOT_FOUND, type ApiError } from './wire.ts';

type StreamConfig = Record<string, unknown> & { name: string };

const ALREADY_THERE = 10058;
const nanoseconds = (ms: number): number => ms * 1e6;

/**
 * Creates what is missing and, to `settle`, brings what is there to the wanted settings. Any number of services may do this at once.
 */
export async function provision(
  nc: NatsConnection,
  config: BusConfig,
  how: 'settle' | 'create',
  logger: Logger,
): Promise<void> {
  for (const stream of wantedStreams(config)) await ensure(nc, stream, how, logger);
}

async function ensure(
  nc: NatsConnection,
  wanted: StreamConfig,
  how: 'settle' | 'create',
  logger: Logger,
): Promise<void> {
  const { name } = wanted;
  const found = await api<{ config: StreamConfig }>(nc, `STREAM.INFO.${name}`);
  if (found.error === undefined) {
    if (found.config['persist_mode'] === 'async')
      throw new TriviumError(
        'config.invalid',
        `stream ${name} has persist_mode async: it acknowledges what it can still lose`,
      );
    const changed = differences(wanted, found.config);
    if (changed.length === 0) return;
    if (how === 'create')
      return logger.info(
        { stream: name, changed },
        'stream settings differ: a router brings them to the wanted ones',
      );
    const updated = await api(nc, `STREAM.UPDATE.${name}`, { ...found.config, ...wanted });
    if (updated.error)
      throw failed(`stream ${name} cannot be brought to the wanted ${changed.join(', ')}`, updated.error);
    logger.info({ stream: name, changed }, 'stream settings updated');
    return;
  }
  if (found.error.err_code !== NOT_FOUND) throw failed(`stream ${name}`, found.error);
  const created = await api(nc, `STREAM.CREATE.${name}`, wanted);
  if (created.error && created.error.err_code !== ALREADY_THERE)
    throw failed(`stream ${name} cannot be created`, created.error);
  logger.info({ stream: name }, 'stream created');
}

function failed(what: string, error: ApiError): TriviumError {
  return new TriviumError('config.invalid', `${what}: ${error.description} (${error.err_code})`);
}

/** The settings that are not as they are wanted. */
export function differences(wanted: StreamConfig, found: Record<string, unknown>): string[] {
  return Object.keys(wanted).filter((key) => !same(wanted[key], found[key]));
}

/** The server leaves defaults out of its answer: absent, false, 0 and empty are the same. */
function same(wanted: unknown, found: unknown): boolean {
  const plain = (value: unknown): string => JSON.stringify(value || null);
  return plain(wanted) === plain(found);
}

/** Of all streams, and of the streams that buckets are. */
export function wantedStreams(config: BusConfig): StreamConfig[] {
  const replicas = config.replicas ?? BUS_DEFAULTS.replicas;
  const streams = Object.entries(STREAMS).map(([name, settings]) => ({
    ...streamConfig(name, settings),
    ...(name === 'MESSAGES' ? retention(config) : {}),
  }));
  const buckets = Object.entries(BUCKETS).map(([name, settings]) => bucketConfig(name, settings));
  return [...streams, ...buckets].map((stream) => ({ ...stream, num_replicas: replicas }));
}

function streamConfig(name: string, settings: StreamSettings): StreamConfig {
  return {
    name,
    subjects: settings.subjects,
    storage: settings.storage,
    discard: settings.discard,
    max_age: nanoseconds(settings.maxAgeMs),
    max_msgs_per_subject: settings.maxMsgsPerSubject ?? -1,
    ...(settings.duplicateWindowMs === undefined
      ? {}
      : { duplicate_window: nanoseconds(settings.duplicateWindowMs) }),
    allow_direct: settings.allowDirect,
    allow_batched: settings.allowBatched ?? false,
    allow_msg_ttl: settings.allowMsgTtl ?? false,
    allow_msg_schedules: settings.allowMsgSchedules ?? false,
  };
}

/** Rule 1: how much of the log a site keeps, and what gives way. */
function retention(config: BusConfig): Record<string, unknown> {
  const maxAgeMs = config.retentionMaxAgeMs ?? BUS_DEFAULTS.retentionMaxAgeMs;
  return {
    max_age: nanoseconds(maxAgeMs),
    max_bytes: config.retentionMaxBytes ?? BUS_DEFAULTS.retentionMaxBytes,
    discard: (config.retentionFull ?? BUS_DEFAULTS.retentionFull) === 'refuse' ? 'new' : 'old',
  };
}

/** What `kv.create` of the client library would make. */
function bucketConfig(name: string, settings: BucketSettings): StreamConfig {
  return {
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    storage: settings.storage,
    discard: 'new',
    max_msgs_per_subject: settings.history,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_msg_ttl: settings.ttl,
    ...(settings.markerTtlMs === undefined
      ? {}
      : { subject_delete_marker_ttl: nanoseconds(settings.markerTtlMs) }),
  };
}
