import { Value } from 'typebox/value';
import type { LeafSchema } from './setting.ts';

/**
 * The value that a variable's text stands for: what the schema accepts of the text as a number, as true/false/1/0, as a
 * list with commas, or as it is; the text itself when it accepts none.
 */
export function valueOfText(text: string, schema: LeafSchema): unknown {
  for (const candidate of readings(text, schema)) if (Value.Check(schema, candidate)) return candidate;
  return text;
}

function readings(text: string, schema: LeafSchema): unknown[] {
  const trimmed = text.trim();
  const found: unknown[] = [];
  if (/^[+-]?(\d[\d_]*)(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed)) found.push(Number(trimmed.replaceAll('_', '')));
  if (/^(true|1)$/i.test(trimmed)) found.push(true);
  if (/^(false|0)$/i.test(trimmed)) found.push(false);
  found.push(text, trimmed);
  if (schema.type === 'array') {
    const parts = trimmed.split(',').map((part) => part.trim());
    const items = schema.items;
    found.unshift(
      parts
        .filter((part) => part !== '')
        .map((part) => (items === undefined ? part : valueOfText(part, items))),
    );
  }
  return found;
}
