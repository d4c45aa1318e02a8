import { Type, type TObject, type TProperties, type TSchema } from 'typebox';
import { isObjectSchema } from './setting.ts';

/**
 * The JSON Schema of `trivium.yaml` from the schemas of all services, for editors: every section of every one, nothing
 * required, unknown keys refused. Where two services describe a section, the first is taken.
 */
export function publishedSchema(services: readonly TObject[]): Record<string, unknown> {
  const properties: TProperties = {};
  for (const { properties: own } of services)
    for (const [key, schema] of Object.entries(own)) properties[key] ??= schema;
  const schema = Type.Object(properties, {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'trivium.yaml',
    description:
      'Settings of a Trivium hub. Every one can also be set by the variable TRIVIUM_<SECTION>_<KEY>.',
  });
  return relaxed(schema) as Record<string, unknown>;
}

function relaxed(schema: TSchema): unknown {
  const copy = JSON.parse(JSON.stringify(schema)) as Record<string, unknown>;
  if (!isObjectSchema(schema)) return copy;
  const { required: _, ...rest } = copy;
  const properties = Object.fromEntries(
    Object.entries(schema.properties).map(([key, child]) => [key, relaxed(child)]),
  );
  return { ...rest, properties, additionalProperties: false };
}
