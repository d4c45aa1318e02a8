import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/nats-core';
import { inboxPrefix, TriviumError } from '@trivium/contracts';
import type { BusConfig } from './config.ts';
import { connectionOptions } from './dial.ts';

const OLDEST = [2, 14];
const MIN_PAYLOAD = 2 << 20;
/** The longest subject that a legal topic of the default limits can become, with room. */
const LONGEST_SUBJECT = 100_000;

/**
 * Refuses a NATS that would lose messages or cut the door off: too old, no JetStream, small payloads or control lines.
 * What it cannot see over the protocol (`sync_interval`) is in the documentation.
 */
export async function checkServer(nc: NatsConnection, config: BusConfig): Promise<void> {
  const info = nc.info;
  const problems: string[] = [];
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!))
    problems.push(`version ${info?.version} is too old: 2.15 or newer is wanted`);
  if (info?.jetstream !== true)
    problems.push('JetStream is off: start it with a `jetstream { store_dir }` block');
  if ((info?.max_payload ?? 0) < MIN_PAYLOAD)
    problems.push(`max_payload is ${info?.max_payload}: set \`max_payload: 8MB\``);
  if (!(await takesLongSubjects(config)))
    problems.push('max_control_line is too small: set `max_control_line: 524288`');
  if (problems.length > 0)
    throw new TriviumError(
      'config.invalid',
      `NATS at ${config.url} cannot carry the hub: ${problems.join('; ')}`,
    );
}

async function takesLongSubjects(config: BusConfig): Promise<boolean> {
  const probe = await connect({ ...connectionOptions(config, 'probe'), reconnect: false });
  try {
    probe.publish(`${inboxPrefix(config.name)}.probe.${'x'.repeat(LONGEST_SUBJECT)}`);
    const answered = probe.flush().then(
      () => true,
      () => false,
    );
    return await Promise.race([answered, probe.closed().then(() => false)]);
  } finally {
    await probe.close();
  }
}
