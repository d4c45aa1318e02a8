export { accept, refuse } from './result.ts';
export type { Refusal, Result } from './result.ts';

export { ERRORS, isErrorCode } from './errors.ts';
export type { ErrorCategory, ErrorCode, ErrorEntry } from './errors.ts';
export { errorCode, publicError, TriviumError } from './trivium-error.ts';
export type { PublicError, TriviumErrorOptions } from './trivium-error.ts';
export { toHttpStatus } from './http-status.ts';
export { toMqttReason } from './mqtt-reason.ts';
export type { ReasonPacket } from './mqtt-reason.ts';
export { toConnackCode311 } from './connack-code.ts';
export type { ConnackCode311 } from './connack-code.ts';
export { toWsClose } from './ws-close.ts';

export { DEFAULT_TOPIC_LIMITS, isDollar, parseTopic } from './topic.ts';
export type { Topic, TopicLimits } from './topic.ts';
export { matches, parseFilter, SHARE_PREFIX } from './topic-filter.ts';
export type { TopicFilter } from './topic-filter.ts';
export { parseShare } from './share.ts';
export type { Share } from './share.ts';

export { decodeToken, encodeToken } from './token.ts';
export { filterToTokens, tokensToTopic, topicToTokens } from './topic-tokens.ts';
export {
  clientToken,
  liveSubjects,
  logSubjects,
  messageSubject,
  NO_CLIENT,
  parseMessageSubject,
  publisherName,
} from './message-subject.ts';
export type { MessageSubject, PublisherName } from './message-subject.ts';
export {
  actorSubject,
  ALL_SUBJECTS,
  clientSubject,
  contractLetterSubject,
  doorSubject,
  eventSubject,
  inboxPrefix,
  partitionSubject,
  positionSubject,
  retainedSubject,
  subjectClient,
} from './subjects.ts';
export type { EventKind } from './subjects.ts';
export { partitionOf, PARTITIONS } from './partition.ts';

export { STREAMS } from './streams.ts';
export type { StreamName, StreamSettings } from './streams.ts';
export { BUCKETS } from './buckets.ts';
export type { BucketName, BucketSettings } from './buckets.ts';

export type { Message, Properties, QoS } from './message.ts';
export {
  decodeClient,
  decodeLetter,
  decodeMsgId,
  decodePos,
  decodeProperties,
  decodeQos,
  decodeRetain,
  encodeHeaders,
  HEADERS,
} from './headers.ts';
export type { HeaderAll, HeaderFields, HeaderGet } from './headers.ts';

export { isJsonContentType, payloadFromJson, payloadMember, payloadToJson } from './json-payload.ts';
export type { JsonPayloadIn, JsonPayloadOut } from './json-payload.ts';
export { checkProperties, isMqttString } from './properties-check.ts';
export { JsonProperties, propertiesFromJson, propertiesToJson } from './json-properties.ts';
export { JsonMessage, messageFromJson, messageToJson, messageToJsonText } from './json-message.ts';
export type { FromJsonOptions, JsonDelivery } from './json-message.ts';

export { check, decodeJson, encodeJson } from './json-schema.ts';
export { ClientProtocol, ConnectedEvent, DisconnectedEvent } from './connection-events.ts';
export { DoorLease, doorLeaseKey, PartitionLease, partitionLeaseKey } from './leases.ts';
export { DeviceDescription, deviceKey, DeviceRecord } from './device-record.ts';
export { Presence, presenceKey } from './presence.ts';
export {
  ANONYMOUS,
  DueWill,
  isSessionOver,
  OpenDelivery,
  SessionRecord,
  sessionKey,
  SessionSubscription,
  willId,
  WillAuthor,
  WillMessage,
} from './session-record.ts';
export { shareKey, shareName, ShareRecord } from './share-record.ts';
export { ExactlyOnceRecord, IncomingExactlyOnce, OutgoingExactlyOnce } from './exactly-once-record.ts';
export { CONTRACT_VIOLATION, contractKey, ContractRecord, type ViolationPolicy } from './contract-record.ts';
export { TakeoverNotice, WillQuestion, WillRuling } from './session-control.ts';
export { ClientFilters, doorFiltersSubject, filtersSubject } from './client-filters.ts';
export { PositionAnswer, PositionRequest } from './position-request.ts';

export {
  callSubject,
  COMMAND_HEADERS,
  commandTopic,
  decodeCommandVerb,
  HERE_SUBJECTS,
  hereSubject,
  isCommandTopic,
  parseCommandName,
  queuedCommandSubject,
  repliedCommand,
  replyTopic,
} from './command.ts';
export type { CommandVerb } from './command.ts';
export { commandKey, CommandRecord, IdempotentCommand, idempotentCommandKey } from './command-record.ts';
export { fromBase64, toBase64 } from './base64.ts';
export { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';

export { wireContract } from './wire-contract.ts';
export { AuditKind, AuditRecord, auditSubject, auditSubjects } from './audit-record.ts';
export {
  ApiKeyRecord,
  ApiKeyUse,
  apiKeyKey,
  apiKeyUseKey,
  credentialKey,
  CredentialRecord,
  SALT_SECRET_KEY,
} from './credential-record.ts';
export { PolicyAction, policyKey, PolicyRecord, PolicyStatement } from './policy-record.ts';
export type { TopicAction } from './policy-record.ts';
