import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Static, TObject } from 'typebox';
import { Value } from 'typebox/value';
import { baseRules } from './base-rules.ts';
import { unknownVariables, valueOfText } from './config-environment.ts';
import { readConfigFile, type FileContent } from './config-file.ts';
import { ConfigError, type ConfigIssue } from './config-issue.ts';
import { shiftedDefault } from './port-offset.ts';
import { expected, settingsOf, type Setting } from './setting.ts';

export const EXIT_CONFIG = 78;

export interface ConfigSource<T extends TObject> {
  /** Named in the report. */
  service: string;
  schema: T;
  env: Readonly<Record<string, string | undefined>>;
  /** Text and name of `trivium.yaml`, when there is one. */
  file?: { name: string; text: string } | undefined;
  /** The reader knows only a part of the settings and leaves the others to whom they concern: for the launcher. */
  partial?: boolean;
  /** Rules across settings, such as `checkListener`; called only when every single value is right. */
  check?: (config: Static<T>) => readonly (ConfigIssue | undefined)[];
}

export interface LoadConfigOptions<T extends TObject> extends Omit<ConfigSource<T>, 'file'> {
  /** Path of the file; default TRIVIUM_CONFIG, else ./trivium.yaml where that exists. */
  file?: string;
}

/**
 * The configuration of a service: defaults, over them `trivium.yaml`, over that TRIVIUM_ variables (an empty one counts as
 * not set). Prints every fault to standard error and ends the process with 78 when there is one: for `main.ts`.
 */
export function loadConfig<T extends TObject>({ file, ...source }: LoadConfigOptions<T>): Static<T> {
  try {
    return readConfig({ ...source, file: openFile(source.service, file ?? source.env['TRIVIUM_CONFIG']) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

function openFile(service: string, path: string | undefined): { name: string; text: string } | undefined {
  const asked = path !== undefined && path !== '';
  const name = asked ? path : 'trivium.yaml';
  if (!asked && !existsSync(name)) return undefined;
  try {
    return { name: basename(name), text: readFileSync(name, 'utf8') };
  } catch (error) {
    const message = `cannot read ${name}: ${(error as Error).message}`;
    throw new ConfigError(service, [{ source: asked ? 'TRIVIUM_CONFIG' : name, setting: '', message }]);
  }
}

/** The same without reading a file or ending the process. @throws ConfigError with every fault */
export function readConfig<T extends TObject>({
  service,
  schema,
  env,
  file,
  check,
  partial = false,
}: ConfigSource<T>): Static<T> {
  const settings = settingsOf(schema);
  const content: FileContent =
    file === undefined
      ? { values: new Map(), issues: [] }
      : readConfigFile(file.text, file.name, schema, partial);
  const issues = [...content.issues, ...(partial ? [] : unknownVariables(env, settings))];
  const config: Record<string, unknown> = {};

  const offset = valueOf(settings.find(({ name }) => name === 'portOffset'));
  for (const setting of settings) {
    const { value, source } = valueOf(setting, typeof offset.value === 'number' ? offset.value : 0);
    if (value === undefined && setting.optional) continue;
    if (value !== undefined && Value.Check(setting.schema, value)) {
      assign(config, setting.path, value);
      for (const { entry, message } of setting.schema.entryFaults?.(value as never) ?? [])
        issues.push({ source, setting: `${setting.name}.${entry}`, message });
    } else issues.push({ source, setting: setting.name, message: mismatch(setting, value) });
  }
  if (issues.length > 0) throw new ConfigError(service, issues);
  const checked = config as Static<T>;
  const broken = [...baseRules(checked), ...(check?.(checked) ?? [])].filter((issue) => issue !== undefined);
  if (broken.length > 0) throw new ConfigError(service, broken);
  return checked;

  function valueOf(setting: Setting | undefined, portOffset = 0): { value: unknown; source: string } {
    if (setting === undefined) return { value: undefined, source: 'default' };
    const text = env[setting.variable];
    if (text !== undefined && text !== '')
      return { value: valueOfText(text, setting.schema), source: setting.variable };
    const inFile = content.values.get(setting.name);
    if (inFile !== undefined) return inFile;
    return { value: shiftedDefault(setting, portOffset), source: setting.variable };
  }
}

function mismatch({ schema, secret, variable }: Setting, value: unknown): string {
  if (value === undefined) return `is not set; expected ${expected(schema)} (in the file or in ${variable})`;
  return `expected ${expected(schema)}, got ${secret ? '***' : JSON.stringify(value)}`;
}

function assign(config: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = config;
  for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
  at[path.at(-1) ?? ''] = value;
}
