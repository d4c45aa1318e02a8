import { isSecretName } from '@trivium/telemetry';
import type { TObject, TSchema } from 'typebox';

/** One value of the configuration: a leaf of the schema. */
export interface Setting {
  path: readonly string[];
  /** `mqtt.maxPacketBytes`. */
  name: string;
  /** `TRIVIUM_MQTT_MAX_PACKET_BYTES`. */
  variable: string;
  schema: LeafSchema;
  /** May be left out: it then has no value. */
  optional: boolean;
  secret: boolean;
}

/** The JSON Schema keywords that are read here. */
export interface LeafSchema extends TSchema {
  type?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  pattern?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly LeafSchema[];
  items?: LeafSchema;
  /** Of a map: what its values are, whatever their names. */
  patternProperties?: Readonly<Record<string, LeafSchema>>;
  writeOnly?: boolean;
  /** Of a map: what is wrong with its entries beyond their schema. Secrets are not repeated in it. */
  entryFaults?: (value: never) => readonly EntryFault[];
}

export interface EntryFault {
  /** Name of the entry. */
  entry: string;
  /** What is wrong and what is expected, in a sentence. */
  message: string;
}

/** The leaves of an object schema, in its order. Objects are descended into; everything else is a leaf. */
export function settingsOf(schema: TObject, path: readonly string[] = []): Setting[] {
  const required: readonly string[] = schema.required ?? [];
  return Object.entries(schema.properties).flatMap(([key, child]) => {
    const here = [...path, key];
    if (isObjectSchema(child)) return settingsOf(child, here);
    const leaf = child as LeafSchema;
    const setting: Setting = {
      path: here,
      name: here.join('.'),
      variable: variableName(here),
      schema: leaf,
      optional: !required.includes(key),
      secret: leaf.writeOnly === true || isSecretName(key),
    };
    return [setting];
  });
}

export function isObjectSchema(schema: TSchema | undefined): schema is TObject {
  return schema !== undefined && 'properties' in schema;
}

/** `['mqtt', 'maxPacketBytes']` is `TRIVIUM_MQTT_MAX_PACKET_BYTES`. */
export function variableName(path: readonly string[]): string {
  return ['TRIVIUM', ...path.map(upperSnake)].join('_');
}

function upperSnake(key: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();
}

/** What a value has to be, for a person: `an integer from 1 to 65535`, `one of drop-oldest, refuse`. */
export function expected(schema: LeafSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf !== undefined) {
    const all = schema.anyOf;
    return all.every((one) => one.const !== undefined)
      ? `one of ${all.map((one) => one.const).join(', ')}`
      : all.map(expected).join(' or ');
  }
  switch (schema.type) {
    case 'integer':
      return `an integer${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return schema.items === undefined ? 'a list' : `a list, each ${expected(schema.items)}`;
    case 'object': {
      const [values] = Object.values(schema.patternProperties ?? {});
      return values === undefined ? 'names with values' : `names, each with ${expected(values)}`;
    }
    case 'string':
      if (schema.pattern !== undefined) return `text that matches ${schema.pattern}`;
      return (schema.minLength ?? 0) > 0 ? 'text that is not empty' : 'text';
    default:
      return 'another value';
  }
}

function range({ minimum, maximum }: LeafSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum === undefined ? '' : ` of at most ${maximum}`;
}
