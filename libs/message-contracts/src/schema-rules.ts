import { refuse, type Refusal } from '@trivium/contracts';

type Json = Record<string, unknown>;
export type JsonSchema = boolean | Json;

/** Keyword that `guarded` puts beside every reference: checking a payload counts there. */
export const STEP = 'tv-step';

export const MAX_SCHEMA_BYTES = 65_536;
const MAX_DEPTH = 64;
/** Items that may be compared with each other; the cost grows with their square. */
const MAX_UNIQUE_ITEMS = 1_000;

const IN_A_MAP = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];
const IN_A_LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const ALONE = [
  ...['items', 'contains', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties'],
  ...['propertyNames', 'not', 'if', 'then', 'else'],
];
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

interface Walk {
  /** JSON pointers and anchors of the schemas found. */
  readonly there: Set<string>;
  readonly references: string[];
}

class Broken extends Error {}

/**
 * The schema as it is compiled, or why it is not accepted. A schema comes from an administrator, the payloads from anybody: it is bounded in
 * size and depth, refers to nothing outside itself, and asks for nothing that grows with the square of a payload. Every reference is guarded,
 * so that schemas that refer to themselves several times cannot take for ever.
 */
export function guarded(schema: JsonSchema): { schema: JsonSchema } | { error: Refusal } {
  const size = Buffer.byteLength(JSON.stringify(schema));
  if (size > MAX_SCHEMA_BYTES)
    return broken(`${size} bytes of schema, at most ${MAX_SCHEMA_BYTES} are accepted`);
  const walk: Walk = { there: new Set(['#']), references: [] };
  try {
    const copy = guard(schema, '#', 0, walk);
    const lost = walk.references.find((reference) => !walk.there.has(reference));
    if (lost !== undefined) return broken(`$ref ${lost}: there is no schema at this place of the document`);
    return { schema: copy };
  } catch (error) {
    if (error instanceof Broken) return broken(error.message);
    throw error;
  }
}

function broken(message: string): { error: Refusal } {
  const refusal = refuse('payload.invalid', message);
  return { error: refusal.error };
}

function guard(schema: unknown, at: string, depth: number, walk: Walk): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  if (!isObject(schema)) throw new Broken(`${at} is no schema`);
  if (depth > MAX_DEPTH) throw new Broken(`more than ${MAX_DEPTH} schemas within each other`);
  const { $schema, $id, $anchor, uniqueItems, maxItems } = schema;
  if ($schema !== undefined && $schema !== DIALECT)
    throw new Broken(`$schema is ${String($schema)}; understood is ${DIALECT}`);
  if ($id !== undefined && depth > 0) throw new Broken(`${at}: $id is for the whole document only`);
  if (typeof $anchor === 'string') walk.there.add(`#${$anchor}`);
  if (uniqueItems === true && !(typeof maxItems === 'number' && maxItems <= MAX_UNIQUE_ITEMS))
    throw new Broken(`${at}: uniqueItems needs a maxItems of ${MAX_UNIQUE_ITEMS} or less beside it`);
  const { $id: _, ...copy }: Json = schema;
  const within = (path: string, value: unknown): JsonSchema => {
    const place = `${at}/${path}`;
    walk.there.add(place);
    return guard(value, place, depth + 1, walk);
  };
  for (const keyword of ALONE)
    if (schema[keyword] !== undefined) copy[keyword] = within(keyword, schema[keyword]);
  for (const keyword of IN_A_LIST) {
    const list = schema[keyword];
    if (Array.isArray(list)) copy[keyword] = list.map((each, i) => within(`${keyword}/${i}`, each));
  }
  for (const keyword of IN_A_MAP) {
    const map = schema[keyword];
    if (!isObject(map)) continue;
    copy[keyword] = Object.fromEntries(
      Object.entries(map).map(([name, each]) => [name, within(`${keyword}/${escaped(name)}`, each)]),
    );
  }
  for (const keyword of ['$ref', '$dynamicRef']) {
    const reference = schema[keyword];
    if (typeof reference !== 'string') continue;
    if (!reference.startsWith('#'))
      throw new Broken(`${at}: ${keyword} ${reference} leads out of the document, which is not followed`);
    walk.references.push(decoded(reference));
    copy[STEP] = true;
  }
  return copy;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    throw new Broken(`$ref ${reference} is no address`);
  }
}
