import type { TObject, TSchema } from 'typebox';
import { isObjectSchema } from './setting.ts';

type JsonSchema = Record<string, unknown>;

/**
 * The JSON Schema of `trivium.yaml` from the schemas of all services, for editors: every section of every one, nothing
 * required, unknown keys refused. A default that differs between services (`admin.port`) is left out.
 */
export function publishedSchema(services: readonly TObject[]): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'trivium.yaml',
    description: 'Settings of a Trivium hub. Each can also be set by its variable, TRIVIUM_<SECTION>_<KEY>.',
    ...merged(services),
  };
}

function merged(variants: readonly TSchema[]): JsonSchema {
  const plain = variants.map((variant) => JSON.parse(JSON.stringify(variant)) as JsonSchema);
  const { required: _, ...first } = plain[0] ?? {};
  const objects = variants.filter(isObjectSchema);
  if (objects.length === 0) {
    if (plain.some((schema) => JSON.stringify(schema['default']) !== JSON.stringify(first['default'])))
      delete first['default'];
    return first;
  }
  const keys = new Set(objects.flatMap(({ properties }) => Object.keys(properties)));
  const properties = Array.from(
    keys,
    (key) => [key, merged(objects.flatMap((one) => one.properties[key] ?? []))] as const,
  );
  return { ...first, properties: Object.fromEntries(properties), additionalProperties: false };
}
