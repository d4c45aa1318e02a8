/** What the command line asks for. */
export interface Arguments {
  help: boolean;
  /** How many processes of a service, where it is not one. */
  scale: ReadonlyMap<string, number>;
  /** What is wrong with the arguments, a sentence each. */
  errors: readonly string[];
}

const MAX_PROCESSES = 50;

/** Reads `--scale name=count` (repeatable), `--scale=name=count` and `--help`. */
export function parseArguments(args: readonly string[], services: readonly string[]): Arguments {
  const scale = new Map<string, number>();
  const errors: string[] = [];
  let help = false;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--help' || arg === '-h') help = true;
    else if (arg === '--scale') readScale(args[(at += 1)] ?? '');
    else if (arg.startsWith('--scale=')) readScale(arg.slice('--scale='.length));
    else errors.push(`unknown argument ${arg}`);
  }
  return { help, scale, errors };

  function readScale(text: string): void {
    const [, name, count] = /^(.+)=(\d+)$/.exec(text) ?? [];
    if (name === undefined)
      errors.push(`--scale expects service=count, for example mqtt-ingress=2; got "${text}"`);
    else if (!services.includes(name))
      errors.push(`--scale: there is no service ${name}, only ${services.join(', ')}`);
    else if (Number(count) > MAX_PROCESSES)
      errors.push(`--scale ${text}: at most ${MAX_PROCESSES} processes`);
    else scale.set(name, Number(count));
  }
}
