import { PROPERTIES } from './property-table.ts';
import type { PropertyDefinition } from './property-table.ts';
import type { PacketProperties } from './properties.ts';
import { variableByteIntegerSize, writeVariableByteInteger } from './remaining-length.ts';

/**
 * Property length and properties as they stand in an MQTT 5 packet; one zero byte for none. The caller vouches that the packet may
 * carry them and that strings have at most 65,535 bytes.
 */
export function encodeProperties(properties: PacketProperties | undefined): Buffer {
  if (properties === undefined) return NONE;
  const fields: Buffer[] = [];
  for (const definition of PROPERTIES) {
    const value = properties[definition.key];
    if (value !== undefined) encodeProperty(definition, value, fields);
  }
  const body = Buffer.concat(fields);
  return Buffer.concat([variableByteInteger(body.length), body]);
}

function encodeProperty(definition: PropertyDefinition, value: unknown, fields: Buffer[]): void {
  if (definition.key === 'userProperties') {
    for (const [name, text] of value as [string, string][])
      fields.push(idByte(definition), utf8Field(name), utf8Field(text));
  } else if (definition.key === 'subscriptionIds') {
    for (const id of value as number[]) fields.push(idByte(definition), variableByteInteger(id));
  } else {
    fields.push(idByte(definition), encodeValue(definition, value));
  }
}

function encodeValue({ form }: PropertyDefinition, value: unknown): Buffer {
  switch (form) {
    case 'bit':
    case 'boolean':
      return Buffer.from([Number(value)]);
    case 'uint16':
      return uint16(value as number);
    case 'uint32':
      return uint32(value as number);
    case 'variable':
      return variableByteInteger(value as number);
    case 'binary':
      return binaryField(value as Buffer);
    case 'utf8':
    case 'topic':
    case 'pair':
      return utf8Field(value as string);
  }
}

function idByte({ id }: PropertyDefinition): Buffer {
  return Buffer.from([id]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function variableByteInteger(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(variableByteIntegerSize(value));
  writeVariableByteInteger(bytes, 0, value);
  return bytes;
}

function binaryField(value: Uint8Array): Buffer {
  return Buffer.concat([uint16(value.length), value]);
}

function utf8Field(value: string): Buffer {
  return binaryField(Buffer.from(value, 'utf8'));
}

const NONE = Buffer.from([0]);
