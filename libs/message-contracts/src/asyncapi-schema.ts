type Json = Record<string, unknown>;

/**
 * A schema as it stands in the document's `components/schemas`: its references, which are to the schema itself, follow it there. Anchors
 * become the place that they name.
 */
export function withinComponents(name: string, schema: unknown): unknown {
  const base = `#/components/schemas/${name}`;
  const anchors = new Map<string, string>();
  visit(schema, '', (node, at) => {
    for (const keyword of ['$anchor', '$dynamicAnchor'])
      if (typeof node[keyword] === 'string') anchors.set(`#${node[keyword]}`, at);
  });
  const moved = (reference: string): string => base + (anchors.get(reference) ?? reference.slice(1));
  return rewritten(schema, moved);
}

function visit(value: unknown, at: string, see: (node: Json, at: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) see(value as Json, at);
  for (const [key, each] of Object.entries(value))
    visit(each, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, see);
}

/** Dropped: what says where the schema stood. */
const PLACE = new Set(['$id', '$schema', '$anchor', '$dynamicAnchor']);

function rewritten(value: unknown, moved: (reference: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => rewritten(each, moved));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => !(PLACE.has(key) && typeof each === 'string'))
      .map(([key, each]) =>
        (key === '$ref' || key === '$dynamicRef') && typeof each === 'string'
          ? ['$ref', moved(each)]
          : [key, rewritten(each, moved)],
      ),
  );
}
