import { Value } from 'typebox/value';
import type { ConfigIssue } from './config-issue.ts';
import { editDistance, nearestName } from './nearest-name.ts';
import { OTHER_VARIABLES } from './section-names.ts';
import { variableName, type LeafSchema, type Setting } from './setting.ts';

/**
 * The value that a variable's text stands for: what the schema accepts of the text as a number, as true/false/1/0, as a
 * list with commas, as JSON where it is a map, or as it is; the text itself when it accepts none.
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
  if (schema.type === 'object') found.push(jsonOf(trimmed));
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

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Variables that look like settings of this service and are none: those within its sections, and those that misspell one
 * outside any section. What belongs to other services and tools is left alone; an empty variable counts as not set.
 */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  settings: readonly Setting[],
): ConfigIssue[] {
  const known = new Set(settings.map(({ variable }) => variable));
  const topLevel = settings.filter(({ path }) => path.length === 1).map(({ variable }) => variable);
  const sections = settings
    .filter(({ path }) => path.length > 1)
    .map(({ path }) => `${variableName(path.slice(0, 1))}_`);
  const issues: ConfigIssue[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('TRIVIUM_') || text === undefined || text === '') continue;
    if (known.has(name) || OTHER_VARIABLES.has(name)) continue;
    const own = sections.some((prefix) => name.startsWith(prefix));
    const nearest = own
      ? nearestName(name, known)
      : topLevel.find((candidate) => editDistance(name, candidate) <= 2);
    if (own || nearest !== undefined)
      issues.push({ source: name, setting: '', message: `there is no such setting${hint(text, nearest)}` });
  }
  return issues;
}

function hint(text: string, nearest: string | undefined): string {
  if (/^(tcp|udp):\/\//.test(text))
    return '; it looks like a Kubernetes service link: set enableServiceLinks: false on the pod';
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
