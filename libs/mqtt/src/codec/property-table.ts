import type { PacketProperties } from './properties.ts';

/** What carries properties: a packet, or the will inside CONNECT. */
export type PropertyOwner =
  | 'connect'
  | 'will'
  | 'connack'
  | 'publish'
  | 'puback'
  | 'pubrec'
  | 'pubrel'
  | 'pubcomp'
  | 'subscribe'
  | 'suback'
  | 'unsubscribe'
  | 'unsuback'
  | 'disconnect'
  | 'auth';

export type PropertyForm =
  'bit' | 'boolean' | 'uint16' | 'uint32' | 'variable' | 'binary' | 'utf8' | 'topic' | 'pair';

export interface PropertyDefinition {
  readonly id: number;
  readonly key: keyof PacketProperties;
  readonly form: PropertyForm;
  readonly owners: readonly PropertyOwner[];
  /** Lowest legal value. */
  readonly min?: number;
  readonly repeats?: boolean;
}

const MESSAGE = ['publish', 'will'] as const;
const ACKNOWLEDGEMENTS = ['puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback'] as const;
const AUTHENTICATED = ['connect', 'connack', 'auth'] as const;
const EVERYTHING = [
  ...AUTHENTICATED,
  ...MESSAGE,
  ...ACKNOWLEDGEMENTS,
  'subscribe',
  'unsubscribe',
  'disconnect',
] as const;

/** MQTT 5, table 2-4. */
export const PROPERTIES: readonly PropertyDefinition[] = [
  { id: 0x01, key: 'payloadFormat', form: 'bit', owners: MESSAGE },
  { id: 0x02, key: 'messageExpirySeconds', form: 'uint32', owners: MESSAGE },
  { id: 0x03, key: 'contentType', form: 'utf8', owners: MESSAGE },
  { id: 0x08, key: 'responseTopic', form: 'topic', owners: MESSAGE },
  { id: 0x09, key: 'correlationData', form: 'binary', owners: MESSAGE },
  { id: 0x0b, key: 'subscriptionIds', form: 'variable', owners: ['publish', 'subscribe'] },
  { id: 0x11, key: 'sessionExpirySeconds', form: 'uint32', owners: ['connect', 'connack', 'disconnect'] },
  { id: 0x12, key: 'assignedClientId', form: 'utf8', owners: ['connack'] },
  { id: 0x13, key: 'serverKeepAliveSeconds', form: 'uint16', owners: ['connack'] },
  { id: 0x15, key: 'authMethod', form: 'utf8', owners: AUTHENTICATED },
  { id: 0x16, key: 'authData', form: 'binary', owners: AUTHENTICATED },
  { id: 0x17, key: 'requestProblemInformation', form: 'boolean', owners: ['connect'] },
  { id: 0x18, key: 'willDelaySeconds', form: 'uint32', owners: ['will'] },
  { id: 0x19, key: 'requestResponseInformation', form: 'boolean', owners: ['connect'] },
  { id: 0x1a, key: 'responseInformation', form: 'utf8', owners: ['connack'] },
  { id: 0x1c, key: 'serverReference', form: 'utf8', owners: ['connack', 'disconnect'] },
  {
    id: 0x1f,
    key: 'reasonString',
    form: 'utf8',
    owners: ['connack', 'disconnect', 'auth', ...ACKNOWLEDGEMENTS],
  },
  { id: 0x21, key: 'receiveMaximum', form: 'uint16', owners: ['connect', 'connack'], min: 1 },
  { id: 0x22, key: 'topicAliasMaximum', form: 'uint16', owners: ['connect', 'connack'] },
  { id: 0x23, key: 'topicAlias', form: 'uint16', owners: ['publish'], min: 1 },
  { id: 0x24, key: 'maximumQos', form: 'bit', owners: ['connack'] },
  { id: 0x25, key: 'retainAvailable', form: 'boolean', owners: ['connack'] },
  { id: 0x26, key: 'userProperties', form: 'pair', owners: EVERYTHING, repeats: true },
  { id: 0x27, key: 'maximumPacketBytes', form: 'uint32', owners: ['connect', 'connack'], min: 1 },
  { id: 0x28, key: 'wildcardSubscriptionAvailable', form: 'boolean', owners: ['connack'] },
  { id: 0x29, key: 'subscriptionIdsAvailable', form: 'boolean', owners: ['connack'] },
  { id: 0x2a, key: 'sharedSubscriptionAvailable', form: 'boolean', owners: ['connack'] },
];

const BY_ID: ReadonlyMap<number, PropertyDefinition> = new Map(
  PROPERTIES.map((property) => [property.id, property]),
);

export function propertyById(id: number): PropertyDefinition | undefined {
  return BY_ID.get(id);
}
