import type { BusConfig } from '@trivium/bus';
import { Type, type Static, type TObject, type TProperties } from 'typebox';

const optionalFile = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));

/** `nats`: how the process reaches NATS. */
export const natsSection = Type.Object(
  {
    url: Type.String({
      default: 'nats://127.0.0.1:4222',
      minLength: 1,
      description: 'Address of NATS, or several separated by commas. The default moves with portOffset.',
    }),
    replicas: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 5,
      description: 'Copies of streams and buckets: 1 on one server, 3 in a cluster',
    }),
    maxOpenPublishes: Type.Integer({
      default: 16_384,
      minimum: 1,
      description: 'Durable publishes that may be unanswered at once',
    }),
    publishTimeoutMs: Type.Integer({
      default: 5_000,
      minimum: 1,
      description: 'A durable publish unanswered for this long has failed',
    }),
    nkeyFile: optionalFile('File with the seed of the nkey by which the service proves to NATS who it is'),
    credsFile: optionalFile('The same for a site with accounts: file with the JWT and the seed of a user'),
    user: Type.Optional(Type.String({ minLength: 1, description: 'User of a NATS that asks for passwords' })),
    password: Type.Optional(Type.String({ minLength: 1, description: 'Its password', writeOnly: true })),
    ca: optionalFile('PEM file of the authority that signed the certificate of NATS: TLS to NATS'),
  },
  { description: 'How services reach NATS' },
);

/** `retention`: how long stored messages are kept. */
export const retentionSection = Type.Object(
  {
    maxAgeMs: Type.Integer({
      default: 604_800_000,
      minimum: 1_000,
      description: 'Age at which a stored message goes',
    }),
    maxBytes: Type.Integer({
      default: -1,
      minimum: -1,
      description: 'Bytes that stored messages may take; -1: no limit but the disk',
    }),
    full: Type.Union([Type.Literal('drop-oldest'), Type.Literal('refuse')], {
      default: 'drop-oldest',
      description: 'What happens at the limit: the oldest go, or publishers are refused',
    }),
  },
  { description: 'How long stored messages are kept' },
);

/** `log`. */
export const logSection = Type.Object(
  {
    level: Type.Union(
      (['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const).map((level) =>
        Type.Literal(level),
      ),
      { default: 'info', description: 'Least severity that is written' },
    ),
  },
  { description: 'Logs' },
);

/** `drain`: the two deadlines of a shutdown, both from its beginning. */
export const drainSection = Type.Object(
  {
    graceMs: Type.Integer({
      default: 10_000,
      minimum: 0,
      description: 'After this what is still in flight is cancelled',
    }),
    forceMs: Type.Integer({
      default: 15_000,
      minimum: 1,
      description: 'After this the process exits 1 and names what hung',
    }),
  },
  { description: 'Graceful shutdown' },
);

/** `admin`: /livez, /readyz and /metrics; `port` is the service's own default (9101 mqtt, 9102 ws, 9103 http, 9104 router, 9105 aedes). */
export function adminSection(port: number) {
  return Type.Object(
    {
      host: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address of the admin server' }),
      port: Type.Integer({
        default: port,
        minimum: 0,
        maximum: 65_535,
        description: 'Port of /livez, /readyz and /metrics; 0 takes a free one',
      }),
    },
    { description: 'Health and metrics of each service' },
  );
}

/** The settings of a whole service: the shared ones and its own sections, whose names are also those of their variables. */
export function serviceSchema<S extends TProperties>(
  adminPort: number,
  sections: S,
): TObject<BaseProperties & S> {
  return Type.Object({ ...baseProperties(adminPort), ...sections }) as TObject<BaseProperties & S>;
}

function baseProperties(adminPort: number) {
  return {
    dataDir: Type.String({ default: '.trivium', minLength: 1, description: 'Where the hub keeps its files' }),
    allowAnonymous: Type.Boolean({
      default: false,
      description: 'Lets a listener beyond loopback start without authentication',
    }),
    portOffset: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 50_000,
      description: 'Added to every default port, that of NATS included',
    }),
    nats: natsSection,
    retention: retentionSection,
    admin: adminSection(adminPort),
    log: logSection,
    drain: drainSection,
  };
}

type BaseProperties = ReturnType<typeof baseProperties>;

/** What every service has in its configuration. */
export type BaseConfig = Static<TObject<BaseProperties>>;

/** The part of the configuration that `connectBus` takes. Doors only `create` streams: what there is, a router settles. */
export function busConfig(
  { nats, retention }: Pick<BaseConfig, 'nats' | 'retention'>,
  name: string,
  provision: NonNullable<BusConfig['provision']> = 'settle',
): BusConfig {
  return {
    ...nats,
    name,
    provision,
    retentionMaxAgeMs: retention.maxAgeMs,
    retentionMaxBytes: retention.maxBytes,
    retentionFull: retention.full,
  };
}
