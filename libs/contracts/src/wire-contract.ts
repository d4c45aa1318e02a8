import { AuditRecord, auditSubject } from './audit-record.ts';
import { BUCKETS } from './buckets.ts';
import { ClientFilters, doorFiltersSubject, filtersSubject } from './client-filters.ts';
import {
  callSubject,
  COMMAND_HEADERS,
  commandTopic,
  hereSubject,
  queuedCommandSubject,
  replyTopic,
} from './command.ts';
import { commandKey, CommandRecord, IdempotentCommand, idempotentCommandKey } from './command-record.ts';
import { ConnectedEvent, DisconnectedEvent } from './connection-events.ts';
import { CONTRACT_VIOLATION, contractKey, ContractRecord } from './contract-record.ts';
import {
  ApiKeyRecord,
  ApiKeyUse,
  apiKeyKey,
  apiKeyUseKey,
  credentialKey,
  CredentialRecord,
  SALT_SECRET_KEY,
} from './credential-record.ts';
import { encodeHeaders, HEADERS } from './headers.ts';
import { DoorLease, doorLeaseKey, PartitionLease, partitionLeaseKey } from './leases.ts';
import { liveSubjects, logSubjects, messageSubject, publisherName } from './message-subject.ts';
import { partitionOf, PARTITIONS } from './partition.ts';
import { deviceKey, DeviceRecord } from './device-record.ts';
import { ExactlyOnceRecord } from './exactly-once-record.ts';
import { PositionAnswer, PositionRequest } from './position-request.ts';
import { Presence, presenceKey } from './presence.ts';
import { policyKey, PolicyRecord } from './policy-record.ts';
import { SessionRecord, sessionKey, willId } from './session-record.ts';
import { shareKey, ShareRecord } from './share-record.ts';
import { TakeoverNotice, WillQuestion, WillRuling } from './session-control.ts';
import { STREAMS } from './streams.ts';
import {
  actorSubject,
  clientSubject,
  contractLetterSubject,
  doorSubject,
  eventSubject,
  partitionSubject,
  positionSubject,
  retainedSubject,
} from './subjects.ts';
import { filterToTokens, topicToTokens } from './topic-tokens.ts';
import { fromUtf8 } from './utf8.ts';
import type { TopicFilter } from './topic-filter.ts';
import type { Topic } from './topic.ts';

const TOPICS = [
  'a/b',
  '/a',
  'a//b',
  'a/',
  '/',
  'v1.2/x',
  'a b',
  '50%',
  '*/>',
  'ü',
  '$SYS/a',
  '-',
  'a\tb',
  'a:b@c=d_e-f',
];
const FILTERS = ['a/b', 'a/+', '+', '#', 'a/#', '+/#', '/#', '+//+', '$SYS/#', 'v1.2/+'];
const IDS = ['', 'a', 'foobar', 'device-1', 'ü', '😀'];

const headerExample = encodeHeaders({
  properties: {
    contentType: 'text/plain; charset=utf-8',
    responseTopic: 'reply/ü',
    correlationData: new Uint8Array([0, 255]),
    payloadFormat: 1,
    expiresAt: 1767225600000,
    userProperties: [
      ['a=b', ' c%'],
      ['', ''],
    ],
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'vendor=value',
  },
  client: '-',
  qosBelowSubject: 0,
  retain: true,
  pos: 7,
  topic: 'ü',
  reason: 'because',
  msgId: 'will/c/1',
});

const each = <T>(keys: readonly string[], value: (key: string) => T): Record<string, T> =>
  Object.fromEntries(keys.map((key) => [key, value(key)]));

/** All that other processes and released versions rely on, as data: written to `wire-contract.snapshot.json`, and the source of the reference. */
export function wireContract(): unknown {
  return {
    version: 1,
    subjects: {
      message: messageSubject(1, 'client', 'a.b'),
      live: liveSubjects('a/#' as TopicFilter, 'all'),
      liveQos0: liveSubjects('a/#' as TopicFilter, 'qos0'),
      log: logSubjects('a/#' as TopicFilter),
      retained: retainedSubject('a.b'),
      client: clientSubject('door', 'a.b'),
      door: doorSubject('door'),
      filters: filtersSubject('door', 'a.b'),
      doorFilters: doorFiltersSubject('door'),
      actor: actorSubject(31, 'a.b'),
      partition: partitionSubject(31),
      position: positionSubject(31),
      connected: eventSubject('connected', 'a.b'),
      disconnected: eventSubject('disconnected', 'a.b'),
      subscribed: eventSubject('subscribed', 'a.b'),
      shadow: eventSubject('shadow', 'a.b'),
      contractLetter: contractLetterSubject('a.b'),
      call: callSubject('a.b'),
      here: hereSubject('a.b'),
      queuedCommand: queuedCommandSubject('a.b'),
      audit: auditSubject('command', 'a.b'),
    },
    publishers: {
      none: publisherName(undefined),
      own: publisherName('a.b'),
      assigned: publisherName('a.b', true),
      dash: publisherName('-'),
    },
    keys: {
      door: doorLeaseKey('door'),
      partition: partitionLeaseKey(31),
      device: deviceKey('a.b'),
      presence: presenceKey('a.b'),
      session: sessionKey('a.b'),
      contract: contractKey('a.b'),
      command: commandKey('door-1'),
      idempotentCommand: idempotentCommandKey('a.b', 'key'),
      credential: credentialKey('a.b'),
      apiKey: apiKeyKey('a.b'),
      apiKeyUse: apiKeyUseKey('a.b'),
      saltSecret: SALT_SECRET_KEY,
      policy: policyKey('a.b'),
      share: shareKey({ group: 'g', filter: 'a/+' as TopicFilter }),
    },
    userProperties: { contractViolation: CONTRACT_VIOLATION },
    ids: { will: willId('a.b', 7) },
    topics: each(TOPICS, (topic) => topicToTokens(topic as Topic)),
    filters: each(FILTERS, (filter) => filterToTokens(filter as TopicFilter)),
    partitions: { count: PARTITIONS, of: each(IDS, partitionOf) },
    headers: HEADERS,
    commands: {
      headers: COMMAND_HEADERS,
      topic: commandTopic('device', 'name'),
      reply: replyTopic('device', 'name', 'id'),
    },
    headerBlock: headerExample === undefined ? [] : fromUtf8(headerExample)?.split('\r\n'),
    streams: STREAMS,
    buckets: BUCKETS,
    schemas: {
      ConnectedEvent,
      ContractRecord,
      DisconnectedEvent,
      DoorLease,
      PartitionLease,
      DeviceRecord,
      Presence,
      SessionRecord,
      ExactlyOnceRecord,
      ShareRecord,
      CommandRecord,
      IdempotentCommand,
      CredentialRecord,
      ApiKeyRecord,
      ApiKeyUse,
      PolicyRecord,
      AuditRecord,
      TakeoverNotice,
      WillQuestion,
      WillRuling,
      ClientFilters,
      PositionRequest,
      PositionAnswer,
    },
  };
}
