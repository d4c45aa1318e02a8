import type { BodyReader } from './body-reader.ts';
import { propertyById } from './property-table.ts';
import type { PropertyDefinition, PropertyOwner } from './property-table.ts';
import { topicFault } from './topic-form.ts';

/** The properties of an MQTT 5 packet or will (section 2.2.2.2). What is absent was not sent. */
export interface PacketProperties {
  payloadFormat?: 0 | 1;
  messageExpirySeconds?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  /** In a SUBSCRIBE one; in a PUBLISH from the server one for each subscription that matched. */
  subscriptionIds?: number[];
  sessionExpirySeconds?: number;
  assignedClientId?: string;
  serverKeepAliveSeconds?: number;
  authMethod?: string;
  authData?: Buffer;
  requestProblemInformation?: boolean;
  willDelaySeconds?: number;
  requestResponseInformation?: boolean;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQos?: 0 | 1;
  retainAvailable?: boolean;
  /** In order; names may repeat. */
  userProperties?: [name: string, value: string][];
  maximumPacketBytes?: number;
  wildcardSubscriptionAvailable?: boolean;
  subscriptionIdsAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
}

const PROTOCOL_ERROR = 'protocol.error';

/**
 * Reads property length and properties. Fails the reader on one that this packet may not carry, that is there twice, that has a value
 * outside its range, or that runs over the property length [MQTT-2.2.2-1]. In the words of section 2.2.2.2 and those on each property:
 * what is there twice or outside its range is a protocol error, the rest is malformed.
 */
export function readProperties(reader: BodyReader, owner: PropertyOwner): PacketProperties | undefined {
  const length = reader.variableByteInteger('property length');
  if (length > reader.left) reader.fail('properties are cut short');
  if (reader.failure !== undefined || length === 0) return undefined;
  const end = reader.at + length;
  const properties: PacketProperties = {};
  while (reader.at < end) {
    const id = reader.variableByteInteger('property identifier');
    const definition = propertyById(id);
    if (definition === undefined || !definition.owners.includes(owner)) {
      reader.fail(`property ${id} in ${owner}`);
      return undefined;
    }
    readProperty(reader, definition, properties);
    if (reader.at > end) reader.fail('a property runs over the property length');
    if (reader.failure !== undefined) return undefined;
  }
  if (properties.authData !== undefined && properties.authMethod === undefined)
    reader.fail('authentication data without a method', PROTOCOL_ERROR);
  return properties;
}

function readProperty(reader: BodyReader, definition: PropertyDefinition, into: PacketProperties): void {
  const { key } = definition;
  if (key === 'userProperties') {
    const name = reader.utf8('user property');
    (into.userProperties ??= []).push([name, reader.utf8('user property')]);
    return;
  }
  if (key === 'subscriptionIds') {
    const id = reader.variableByteInteger(key);
    if (id === 0) reader.fail('subscription identifier 0', PROTOCOL_ERROR); // section 3.8.2.1.2
    if (into.subscriptionIds !== undefined && !definition.repeats)
      reader.fail(`${key} twice`, PROTOCOL_ERROR);
    (into.subscriptionIds ??= []).push(id);
    return;
  }
  if (into[key] !== undefined) reader.fail(`${key} twice`, PROTOCOL_ERROR);
  const value = readValue(reader, definition);
  if (reader.failure === undefined) (into as Record<string, unknown>)[key] = value;
}

function readValue(reader: BodyReader, { key, form, min }: PropertyDefinition): unknown {
  switch (form) {
    case 'boolean':
    case 'bit': {
      const value = reader.byte(key);
      if (value > 1) reader.fail(`${key} is neither 0 nor 1`, PROTOCOL_ERROR);
      return form === 'bit' ? value : value === 1;
    }
    case 'uint16':
      return atLeast(reader, key, reader.uint16(key), min);
    case 'uint32':
      return atLeast(reader, key, reader.uint32(key), min);
    case 'variable':
      return reader.variableByteInteger(key);
    case 'binary':
      return reader.binary(key);
    case 'utf8':
    case 'pair':
      return reader.utf8(key);
    case 'topic': {
      const topic = reader.utf8(key);
      const fault = reader.failure === undefined ? topicFault(topic) : undefined;
      if (fault !== undefined) reader.fail(`${key}: ${fault}`, PROTOCOL_ERROR); // [MQTT-3.3.2-14]
      return topic;
    }
  }
}

function atLeast(reader: BodyReader, key: string, value: number, min: number | undefined): number {
  if (min !== undefined && value < min)
    reader.fail(`${key} is ${value}`, key === 'topicAlias' ? 'protocol.topic-alias' : PROTOCOL_ERROR);
  return value;
}
