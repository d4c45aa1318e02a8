import { parseArgs } from 'node:util';
import type { Address } from './mqtt/link.ts';

export interface Options {
  readonly seed: number;
  readonly kills: number;
  readonly withFreezes: boolean;
  readonly ratePerS: number;
  readonly publishers: number;
  readonly subscribers: number;
  readonly calmMs: number;
  readonly external: readonly Address[] | undefined;
  readonly keep: boolean;
  readonly json: boolean;
}

export type ParsedOptions =
  { kind: 'run'; options: Options } | { kind: 'help' } | { kind: 'invalid'; message: string };

/** `anySeed` is taken when none is given. */
export function parseOptions(args: readonly string[], anySeed: number): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        kills: { type: 'string' },
        long: { type: 'boolean', default: false },
        freeze: { type: 'boolean' },
        rate: { type: 'string' },
        pubs: { type: 'string' },
        subs: { type: 'string' },
        secs: { type: 'string' },
        external: { type: 'string' },
        keep: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const external = values.external?.split(',').map(parseAddress);
    const usualKills = external !== undefined ? 0 : values.long ? 200 : 12;
    const options: Options = {
      seed: whole('--seed', values.seed, anySeed, 0),
      kills: whole('--kills', values.kills, usualKills, 0),
      withFreezes: values.freeze ?? values.long,
      ratePerS: whole('--rate', values.rate, 200, 1),
      publishers: whole('--pubs', values.pubs, 6, 1),
      subscribers: whole('--subs', values.subs, 8, 1),
      calmMs: whole('--secs', values.secs, 20, 1) * 1_000,
      ...{ external, keep: values.keep, json: values.json },
    };
    if (external !== undefined && options.kills > 0)
      throw new Error('--external is not killed: without --kills');
    return { kind: 'run', options };
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

function parseAddress(value: string): Address {
  const match = /^(.+):(\d+)$/.exec(value);
  if (!match?.[1] || !match[2]) throw new Error(`--external wants host:port, not "${value}"`);
  return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]) };
}

function whole(name: string, value: string | undefined, otherwise: number, minimum: number): number {
  const number = value === undefined ? otherwise : Number(value);
  if (Number.isSafeInteger(number) && number >= minimum) return number;
  throw new Error(`${name} wants a whole number from ${minimum}, not "${value}"`);
}

export const HELP = `npm run chaos -- [options]      kills parts of a hub and accounts for every message

  --kills N           how many (default 12, which takes about a minute and a half)
  --long              200 kills, with --freeze
  --freeze            also stop a door (SIGSTOP) for longer than its lease, and let it wake up
  --seed N            decisions of a run before (default: a new one, which is printed)
  --rate N            messages a second (default 200)
  --pubs N, --subs N  publishers (default 6) and subscribers (default 8)
  --external H:P      a broker that runs already, H:P,H:P for two doors: nothing is killed, clients come and go;
                      their sessions stay there
  --secs S            how long, without kills (default 20)
  --keep              keep data, logs and the trace of everything; they are kept when something is found, too
  --json              JSON to standard output instead of the table; progress goes to standard error
  --help

Exit status: 0 every message is accounted for; 1 something is not as promised; 2 wrong usage.
`;
