import type { Setting } from './setting.ts';

/**
 * The default of a setting with `portOffset` applied: to `port` and `…Port`, and to the ports inside `url` and `…Url`.
 * What is set explicitly is never shifted; neither is port 0.
 */
export function shiftedDefault({ path, schema }: Setting, offset: number): unknown {
  const value = structuredClone(schema.default);
  const key = path.at(-1) ?? '';
  if (offset === 0) return value;
  if (typeof value === 'number' && /(^port|Port)$/.test(key)) return value === 0 ? 0 : value + offset;
  if (typeof value === 'string' && /(^url|Url)$/.test(key)) {
    return value.replaceAll(/:(\d+)(?=[/,]|$)/g, (_, port: string) => `:${Number(port) + offset}`);
  }
  return value;
}
