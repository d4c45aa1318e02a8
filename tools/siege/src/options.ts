import { parseArgs } from 'node:util';
import { SCENARIOS } from './abuse/abuse.ts';
import { DOOR_NAMES } from './fuzz/doors.ts';

export type Options =
  | { readonly part: 'fuzz'; seed: number; count: number; doors: readonly string[] }
  | { readonly part: 'abuse'; seconds: number; attacks: readonly string[] };

export type ParsedOptions =
  { kind: 'run'; options: Options } | { kind: 'help' } | { kind: 'invalid'; message: string };

const ATTACK_NAMES = [...new Set(SCENARIOS.map(({ attack }) => attack))];

/** `anySeed` is taken when none is given. */
export function parseOptions(args: readonly string[], anySeed: number): ParsedOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        count: { type: 'string' },
        doors: { type: 'string' },
        attacks: { type: 'string' },
        secs: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const [part, ...more] = positionals;
    if (values.help || part === undefined) return { kind: 'help' };
    if (more.length > 0) throw new Error(`${more[0]} is one word too many`);
    if (part === 'fuzz') {
      const seed = whole('--seed', values.seed, anySeed, 0);
      const count = whole('--count', values.count, 20_000, 1);
      return {
        kind: 'run',
        options: { part, seed, count, doors: some('--doors', values.doors, DOOR_NAMES) },
      };
    }
    if (part !== 'abuse') throw new Error(`there is no ${part}`);
    const seconds = whole('--secs', values.secs, 10, 1);
    return {
      kind: 'run',
      options: { part, seconds, attacks: some('--attacks', values.attacks, ATTACK_NAMES) },
    };
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

function some(name: string, value: string | undefined, all: readonly string[]): readonly string[] {
  const chosen = value?.split(',') ?? all;
  const unknown = chosen.find((one) => !all.includes(one));
  if (unknown === undefined) return chosen;
  throw new Error(`${name} wants some of ${all.join(', ')}, not "${unknown}"`);
}

function whole(name: string, value: string | undefined, otherwise: number, minimum: number): number {
  const number = value === undefined ? otherwise : Number(value);
  if (Number.isSafeInteger(number) && number >= minimum) return number;
  throw new Error(`${name} wants a whole number from ${minimum}, not "${value}"`);
}

export const HELP = `npm run siege -- fuzz [options]      mutated packets for every door of a hub of its own
npm run siege -- abuse [options]     hostile clients, and what a pair of good ones notices of them

  fuzz    --count N        packets for each door (default 20,000; 1,000,000 is the long form, some minutes a door)
          --doors a,b      some of ${DOOR_NAMES.join(', ')}
          --seed N         the packets of a run before (default: a new one, which is printed)
  abuse   --attacks a,b    some of ${ATTACK_NAMES.join(', ')}
          --secs S         how long each is measured (default 10)

Exit status: 0 nothing was found; 1 a process ended, logged a defect, grew or kept the good clients waiting; 2 wrong usage.
`;
