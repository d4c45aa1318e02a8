import { refuse, accept, type Result } from '@trivium/contracts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration as addresses write it: `500ms`, `5s`, `10m`, `1h`, `2d`; a number alone is seconds. */
export function parseDuration(name: string, raw: string, maxMs: number): Result<number> {
  const [, number, unit = 's'] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(raw) ?? [];
  if (number === undefined)
    return refuse('protocol.malformed', `${name} is a duration such as 500ms, 5s, 10m or 1h`);
  const ms = Math.round(Number(number) * UNITS[unit as keyof typeof UNITS]);
  return ms <= maxMs ? accept(ms) : refuse('protocol.malformed', `${name} is ${maxMs / 1_000}s at most`);
}
