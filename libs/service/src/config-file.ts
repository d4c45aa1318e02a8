import { isAlias, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { TObject } from 'typebox';
import type { ConfigIssue } from './config-issue.ts';
import { nearestName } from './nearest-name.ts';
import { FOREIGN_SECTIONS } from './section-names.ts';
import { isObjectSchema } from './setting.ts';

/** A value in the file and where it stands. */
export interface FileValue {
  value: unknown;
  /** `trivium.yaml:12`. */
  source: string;
}

export interface FileContent {
  /** By name of the setting, `mqtt.port`. */
  values: ReadonlyMap<string, FileValue>;
  issues: ConfigIssue[];
}

/**
 * Reads the text of a `trivium.yaml` against the schema of one service. A section of another service is legal and left to
 * that service; any other unknown key is an issue, unless `partial`. Values are not checked here.
 */
export function readConfigFile(
  text: string,
  fileName: string,
  schema: TObject,
  partial = false,
): FileContent {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const values = new Map<string, FileValue>();
  const issues: ConfigIssue[] = document.errors.map((error) => ({
    source: `${fileName}:${lines.linePos(error.pos[0]).line}`,
    setting: '',
    message: `is not valid YAML: ${error.message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '')}`,
  }));
  if (issues.length > 0) return { values, issues };

  const sourceAt = (offset: number | undefined) =>
    offset === undefined ? fileName : `${fileName}:${lines.linePos(offset).line}`;

  const walk = (map: YAMLMap, object: TObject, path: readonly string[]) => {
    const known = Object.keys(object.properties);
    for (const { key, value: written } of map.items) {
      const value = isAlias(written) ? written.resolve(document) : written;
      const name = isScalar(key) ? String(key.value) : String(key);
      const source = sourceAt(isScalar(key) ? key.range?.[0] : undefined);
      const setting = [...path, name].join('.');
      const child = Object.hasOwn(object.properties, name) ? object.properties[name] : undefined;
      if (child === undefined) {
        if (partial || (path.length === 0 && FOREIGN_SECTIONS.has(name))) continue;
        const names = path.length === 0 ? [...known, ...FOREIGN_SECTIONS] : known;
        issues.push({ source, setting, message: unknownKey(nearestName(name, names), path) });
      } else if (isObjectSchema(child)) {
        if (isMap(value)) walk(value, child, [...path, name]);
        else if (!(isScalar(value) && value.value === null))
          issues.push({ source, setting, message: 'expected a section with settings' });
      } else {
        const plain: unknown = isScalar(value)
          ? value.value
          : (value as { toJSON(): unknown } | null)?.toJSON();
        if (plain !== null && plain !== undefined) values.set(setting, { value: plain, source });
      }
    }
  };

  const root = document.contents;
  if (isMap(root)) walk(root, schema, []);
  else if (root !== null && !(isScalar(root) && root.value === null)) {
    issues.push({
      source: fileName,
      setting: '',
      message: 'expected sections with settings, such as "mqtt:"',
    });
  }
  return { values, issues };
}

function unknownKey(nearest: string | undefined, path: readonly string[]): string {
  const what = path.length === 0 ? 'there is no such section or setting' : 'there is no such setting';
  return nearest === undefined ? what : `${what}; did you mean ${[...path, nearest].join('.')}?`;
}
