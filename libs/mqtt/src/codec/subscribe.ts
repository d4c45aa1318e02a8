import type { QoS, Result } from '@trivium/contracts';
import { accept, refuse } from '@trivium/contracts';
import type { BodyReader } from './body-reader.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { SubscribePacket, SubscriptionRequest, UnsubscribePacket } from './packets.ts';
import { readProperties } from './properties.ts';
import { filterFault, isShared } from './topic-form.ts';

const RESERVED_311 = 0xfc;
const RESERVED_5 = 0xc0;
const NO_LOCAL = 0x04;
const RETAIN_AS_PUBLISHED = 0x08;

/** A packet is served in one go: with more filters it would keep everybody else waiting. */
const MOST_FILTERS = 10_000;

/** SUBSCRIBE (section 3.8). */
export function decodeSubscribe(reader: BodyReader, level: ProtocolLevel): Result<SubscribePacket> {
  const packetId = reader.packetId();
  const properties = level === 5 ? readProperties(reader, 'subscribe') : undefined;
  const requests: SubscriptionRequest[] = [];
  atLeastOne(reader);
  while (reader.left > 0) {
    const filter = readFilter(reader, level);
    const options = reader.byte('subscription options');
    if (requests.length === MOST_FILTERS) tooMany(reader);
    const fault = optionsFault(options, filter, level);
    if (fault !== undefined) reader.fail(...fault);
    const retainHandling = ((options >> 4) & 3) as 0 | 1 | 2;
    requests.push({
      filter,
      qos: (options & 3) as QoS,
      noLocal: (options & NO_LOCAL) !== 0,
      retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
      retainHandling,
    });
  }
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  return accept({ type: 'subscribe', packetId, requests, properties });
}

/** UNSUBSCRIBE (section 3.10). */
export function decodeUnsubscribe(reader: BodyReader, level: ProtocolLevel): Result<UnsubscribePacket> {
  const packetId = reader.packetId();
  const properties = level === 5 ? readProperties(reader, 'unsubscribe') : undefined;
  const filters: string[] = [];
  atLeastOne(reader);
  while (reader.left > 0) {
    filters.push(readFilter(reader, level));
    if (filters.length > MOST_FILTERS) tooMany(reader);
  }
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  return accept({ type: 'unsubscribe', packetId, filters, properties });
}

/** [MQTT3-3.8.3-3], [MQTT3-3.10.3-2], [MQTT-3.8.3-2], [MQTT-3.10.3-2] */
function atLeastOne(reader: BodyReader): void {
  if (reader.left === 0) reader.fail('no topic filter', 'protocol.error');
}

function tooMany(reader: BodyReader): void {
  reader.fail(`more than ${MOST_FILTERS} topic filters in one packet`, 'quota.exceeded');
}

function readFilter(reader: BodyReader, level: ProtocolLevel): string {
  const filter = reader.utf8('topic filter'); // [MQTT3-3.8.3-1], [MQTT3-3.10.3-1]
  if (reader.failure !== undefined) return filter;
  const fault = filterFault(filter, level);
  if (fault !== undefined) reader.fail(`topic filter: ${fault}`);
  return filter;
}

type Fault = readonly [reason: string, code?: 'protocol.error'];

function optionsFault(options: number, filter: string, level: ProtocolLevel): Fault | undefined {
  const reserved = level < 5 ? RESERVED_311 : RESERVED_5;
  if ((options & reserved) !== 0) return ['reserved bits of the options are set']; // [MQTT3-3.8.3-4], [MQTT-3.8.3-5]
  if ((options & 3) === 3) return level < 5 ? ['requested QoS 3'] : ['requested QoS 3', 'protocol.error']; // [MQTT3-3.8.3-4]
  if (level < 5) return undefined;
  if (((options >> 4) & 3) === 3) return ['retain handling 3', 'protocol.error'];
  if ((options & NO_LOCAL) !== 0 && isShared(filter))
    return ['no local on a shared subscription', 'protocol.error']; // [MQTT-3.8.3-4]
  return undefined;
}
