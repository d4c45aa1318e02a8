import { ALL_SUBJECTS, HERE_SUBJECTS, type BucketName, type StreamName } from '@trivium/contracts';

/** Who has a key of NATS: the services, and `admin` for tools such as `npx trivium`. Several processes of a service share its key. */
export const NATS_USERS = ['mqtt-ingress', 'ws-ingress', 'http-ingress', 'router', 'admin'] as const;
export type NatsUser = (typeof NATS_USERS)[number];

/** What a service does with NATS, and therefore may. Everything else is refused. */
export interface Needs {
  /** Subjects that it publishes or asks on. */
  readonly says: readonly string[];
  /** Subjects that it listens to, beside the answers to what it asks. */
  readonly hears: readonly string[];
  /** Keys that it writes, as subject filters in each bucket. */
  readonly writes: Readonly<Partial<Record<BucketName, readonly string[]>>>;
  /** Streams that it reads by position or subject, and follows. */
  readonly streams: readonly StreamName[];
  /** Keys that it reads and watches. */
  readonly reads: Readonly<Partial<Record<BucketName, readonly string[]>>>;
  /** Consumers that deal messages of the log out to the members of shares (rule 9): it makes them and takes from them. */
  readonly shares: boolean;
  /** Streams out of which it takes single messages that are settled. */
  readonly erases: readonly StreamName[];
  /** Brings streams and buckets to the settings of the site; all others can only make what is missing. */
  readonly settles: boolean;
}

const EVERY = ['>'];

/** What every door needs. It writes down when an API key was used, and makes the secret for the salts of unknown users if it comes first. */
const DOOR = {
  says: [
    ALL_SUBJECTS.messages,
    ALL_SUBJECTS.retained,
    ALL_SUBJECTS.events,
    ALL_SUBJECTS.clients,
    ALL_SUBJECTS.calls,
    ALL_SUBJECTS.here,
    ALL_SUBJECTS.contractLetters,
    ALL_SUBJECTS.audit,
  ],
  hears: [ALL_SUBJECTS.messages, ALL_SUBJECTS.clients, ALL_SUBJECTS.calls, ALL_SUBJECTS.clientFilters],
  writes: { leases: ['door.*'], devices: ['used.*', 'secret.salts'] },
  streams: ['MESSAGES', 'RETAINED'],
  reads: { devices: EVERY, policies: EVERY, contracts: EVERY, leases: ['door.*'], sessions: EVERY },
  shares: false,
  erases: [],
  settles: false,
} as const satisfies Needs;

/** A door with persistent sessions. */
const SESSION_DOOR = {
  ...DOOR,
  says: [...DOOR.says, ALL_SUBJECTS.positions],
  writes: { ...DOOR.writes, sessions: EVERY, qos2: EVERY, shares: EVERY },
  reads: { ...DOOR.reads, qos2: EVERY, shares: EVERY },
  shares: true,
} as const satisfies Needs;

/** A door at which commands are given. */
const COMMANDS = { says: [ALL_SUBJECTS.queuedCommands], keys: { commands: EVERY } } as const;

/** The keys that a router owns: it reads what it writes. */
const ROUTER_KEYS = {
  sessions: EVERY,
  qos2: EVERY,
  positions: EVERY,
  shares: EVERY,
  commands: EVERY,
  shadows: EVERY,
  leases: EVERY,
  devices: ['presence.*', 'checkpoint.>'],
} as const;

const ROUTER = {
  says: [
    ALL_SUBJECTS.messages,
    ALL_SUBJECTS.retained,
    ALL_SUBJECTS.events,
    ALL_SUBJECTS.clients,
    ALL_SUBJECTS.calls,
    ALL_SUBJECTS.deferred,
    ALL_SUBJECTS.deadLetters,
  ],
  hears: [ALL_SUBJECTS.clients, ALL_SUBJECTS.actors, ALL_SUBJECTS.positions, HERE_SUBJECTS],
  writes: ROUTER_KEYS,
  streams: ['MESSAGES', 'RETAINED', 'EVENTS', 'COMMANDS', 'WAKE'],
  reads: { ...ROUTER_KEYS, contracts: EVERY },
  shares: true,
  erases: ['COMMANDS'],
  settles: true,
} as const satisfies Needs;

/** The table of who needs what; `admin` is not in it: tools may do everything. */
export const needsOf: Readonly<Record<Exclude<NatsUser, 'admin'>, Needs>> = {
  'mqtt-ingress': SESSION_DOOR,
  'ws-ingress': {
    ...SESSION_DOOR,
    says: [...SESSION_DOOR.says, ...COMMANDS.says],
    writes: { ...SESSION_DOOR.writes, ...COMMANDS.keys },
    reads: { ...SESSION_DOOR.reads, ...COMMANDS.keys },
  },
  'http-ingress': {
    ...DOOR,
    says: [...DOOR.says, ...COMMANDS.says, ALL_SUBJECTS.clientFilters],
    writes: { ...DOOR.writes, ...COMMANDS.keys, devices: [...DOOR.writes.devices, 'registry.*'] },
    reads: { ...DOOR.reads, ...COMMANDS.keys },
  },
  router: ROUTER,
};
