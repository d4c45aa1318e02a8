import { ERRORS, errorCode } from '@trivium/contracts';
import { CommandError, EXIT, UsageError, type Command, type Invocation } from './command.ts';
import { certs } from './certs/certs.ts';
import { contracts } from './contracts/contracts.ts';

/** By name; each is a word of its own: `trivium <command> …`. */
const COMMANDS: Readonly<Record<string, Command>> = { contracts, certs };

const HELP = `Usage: trivium <command> [arguments] [--json]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  .join('\n')}

  --json        the answer as JSON, for machines
  --help        after a command: what it does

The hub is found as its services find it: TRIVIUM_NATS_URL, or trivium.yaml (TRIVIUM_CONFIG) here.
Exit codes: 0 done, 1 not done or the answer is no, 78 wrong arguments or settings.
`;

export type Surroundings = Pick<Invocation, 'out' | 'err' | 'stdin' | 'env' | 'bus'>;

/** One call of the tool. Resolves to its exit code; never rejects but for defects. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { out, err } = surroundings;
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    out(HELP);
    return EXIT.ok;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    err(`trivium: there is no command ${name}\n\n${HELP}`);
    return EXIT.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    out(command.help);
    return EXIT.ok;
  }
  const json = rest.includes('--json');
  try {
    return await command.run({ ...surroundings, json, args: rest.filter((word) => word !== '--json') });
  } catch (error) {
    return report(error, command, err);
  }
}

function report(error: unknown, command: Command, err: (text: string) => void): number {
  if (error instanceof UsageError) {
    err(`trivium: ${error.message}\n\n${command.help}`);
    return EXIT.usage;
  }
  const code = errorCode(error);
  if (!(error instanceof CommandError) && code === 'defect') throw error;
  const { message } = error as Error;
  err(`trivium: ${message === '' && code !== 'defect' ? ERRORS[code].summary : message}\n`);
  return code === 'config.invalid' ? EXIT.usage : EXIT.no;
}
