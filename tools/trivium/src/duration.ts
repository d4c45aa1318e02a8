import { UsageError } from './command.ts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `500ms`, `5s`, `10m`, `12h` or `90d`. Throws a `UsageError`; `name`: the option that says it. */
export function durationMs(name: string, text: string): number {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0)
    throw new UsageError(`--${name} is a duration such as 5s, 10m, 12h or 90d`);
  return Number(number) * UNITS[unit as keyof typeof UNITS];
}
