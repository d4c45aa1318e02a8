import type { Bus } from '@trivium/bus';
import { ERRORS, errorCode, type BucketName } from '@trivium/contracts';
import { CommandError, EXIT, UsageError, type Command, type Invocation } from './command.ts';

interface Offered {
  /** One line. */
  readonly summary: string;
  /** What it cannot do without at the hub. */
  readonly buckets?: readonly BucketName[];
  /** Only what is called is loaded. */
  load(): Promise<Command>;
}

/** By name; each is a word of its own: `trivium <command> …`. */
const COMMANDS: Readonly<Record<string, Offered>> = {
  devices: {
    summary: 'who gets in by a name: create, list, show, groups, rotate, pin, disable, enable, delete',
    buckets: ['devices', 'sessions'],
    load: async () => (await import('./devices/devices.ts')).devices,
  },
  keys: {
    summary: 'keys for applications: create, list, revoke',
    buckets: ['devices'],
    load: async () => (await import('./keys/keys.ts')).keys,
  },
  policies: {
    summary: 'who may do what: add, check, list, show, remove, test',
    buckets: ['policies', 'devices', 'leases'],
    load: async () => (await import('./policies/policies.ts')).policies,
  },
  doctor: {
    summary: 'looks at a hub, and says what is wrong and what to do',
    load: async () => (await import('./doctor/doctor.ts')).doctor,
  },
  audit: {
    summary: 'who did what: failed sign-ins, changes of devices, keys and policies, commands',
    // It reads a stream; by one bucket it tells whether this is a hub.
    buckets: ['devices'],
    load: async () => (await import('./audit/audit.ts')).audit,
  },
  explain: {
    summary: 'why a message does or does not reach a client',
    buckets: ['sessions', 'devices', 'policies', 'contracts', 'leases'],
    load: async () => (await import('./explain/explain.ts')).explain,
  },
  contracts: {
    summary: 'what the site expects of messages: list, check, add, remove, test, types, asyncapi',
    buckets: ['contracts'],
    load: async () => (await import('./contracts/contracts.ts')).contracts,
  },
  certs: {
    summary: 'certificates for TLS: ca, server, device, revoke, show',
    load: async () => (await import('./certs/certs.ts')).certs,
  },
  nats: {
    summary: 'who may do what at a NATS of your own: keys, permissions',
    load: async () => (await import('./nats/nats.ts')).nats,
  },
  'first-start': {
    summary: 'makes the first credentials of a hub, and shows them once',
    buckets: ['devices'],
    load: async () => (await import('./first-start/first-start.ts')).firstStart,
  },
  pub: {
    summary: 'publishes a message through the HTTP door',
    load: async () => (await import('./pub/pub.ts')).pub,
  },
  sub: {
    summary: 'prints messages as they come, through the HTTP door',
    load: async () => (await import('./sub/sub.ts')).sub,
  },
};

const HELP = `Usage: trivium <command> [arguments] [--json]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  .join('\n')}

  --json        the answer as JSON, for machines
  --help        after a command: what it does

The hub is found as its services find it: TRIVIUM_NATS_URL, or trivium.yaml (TRIVIUM_CONFIG) here; one that npm start runs by its data
directory (TRIVIUM_DATA_DIR, default .trivium), where the key that NATS asks for is too.
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
  const offered = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (offered === undefined) {
    err(`trivium: there is no command ${name}\n\n${HELP}`);
    return EXIT.usage;
  }
  const command = await offered.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    out(command.help);
    return EXIT.ok;
  }
  const json = rest.includes('--json');
  try {
    return await command.run({
      ...{ ...surroundings, json, args: rest.filter((word) => word !== '--json') },
      bus: async () => ofHub(await surroundings.bus(), offered.buckets ?? []),
    });
  } catch (error) {
    return report(error, command, err);
  }
}

/** Throws a `CommandError` where these buckets are not: who read them would wait for a hub to make them. */
async function ofHub(bus: Bus, buckets: readonly BucketName[]): Promise<Bus> {
  const [missing] = await bus.missing(buckets);
  if (missing === undefined) return bus;
  throw new CommandError(
    `this NATS has no bucket ${missing}: is it a hub's? Start the hub first, or say where its NATS is: TRIVIUM_NATS_URL`,
  );
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
