import { serviceSchema } from '@trivium/service';
import { Type, type Static } from 'typebox';

/** `router`. Times in milliseconds. */
export const routerSection = Type.Object(
  {
    leaseTtlMs: Type.Integer({
      default: 6_000,
      minimum: 2_000,
      maximum: 60_000,
      multipleOf: 1_000,
      description: 'After a router has died others take over its devices within this time; whole seconds',
    }),
    doorGraceMs: Type.Integer({
      default: 2_000,
      minimum: 0,
      maximum: 8_000,
      description: 'From the end of a door’s lease until its devices are said to be offline',
    }),
    maxActors: Type.Integer({
      default: 50_000,
      minimum: 100,
      description: 'Device actors kept in memory; the least recently used are put away',
    }),
    sessionMaxMessages: Type.Integer({
      default: 100_000,
      minimum: 1,
      maximum: 100_000_000,
      description: 'Messages that wait for one client that is away; then the oldest go',
    }),
    sessionMaxBytes: Type.Integer({
      default: 268_435_456,
      minimum: 1_024,
      maximum: 1_099_511_627_776,
      description: 'The same in bytes of their payloads',
    }),
  },
  { description: 'The router: device actors, presence, sessions of clients that are away' },
);

export type RouterConfig = Static<typeof routerSection>;

/** The settings of this service: the shared ones and `router`. */
export const configSchema = serviceSchema(9104, { router: routerSection });
export type Config = Static<typeof configSchema>;
