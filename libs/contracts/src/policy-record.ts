import { Type } from 'typebox';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });

/**
 * What a statement is about. `connect`: under a client id. `publish`, `retain` (a PUBLISH with the retain flag needs both), `subscribe`,
 * `receive`, `command` (topic `cmd/{device}/{name}`), `shadow` (topic `shadow/{device}/{name}`): on topics. `admin`: devices, keys, policies, explain.
 */
export const PolicyAction = Type.Enum([
  'connect',
  'publish',
  'subscribe',
  'receive',
  'retain',
  'command',
  'shadow',
  'admin',
]);
export type PolicyAction = Static<typeof PolicyAction>;

/** The actions that are about a topic. */
export type TopicAction = Exclude<PolicyAction, 'connect' | 'admin'>;

/**
 * `topics` are MQTT filters, `clients` are client ids in which `*` stands for any characters; both may hold the placeholders `${clientId}`,
 * `${principal}`, `${device.<attribute>}` and `${claims.<name>}`, each within one topic level.
 */
export const PolicyStatement = Type.Object(
  {
    effect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    actions: Type.Array(PolicyAction, { minItems: 1 }),
    /** For the actions on topics; none: they are not part of the statement. */
    topics: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1_000 })),
    /** For `connect`; none: it is not part of the statement. */
    clients: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1_000 })),
    description: Type.Optional(Type.String({ maxLength: 4_096 })),
  },
  { additionalProperties: false },
);
export type PolicyStatement = Static<typeof PolicyStatement>;

/** What the principals of some groups may do: bucket `policies`, key `policyKey(name)`. Deny wins; what nothing allows is refused. */
export const PolicyRecord = Type.Object(
  {
    v: Type.Literal(1),
    name: Name,
    description: Type.Optional(Type.String({ maxLength: 4_096 })),
    /** It holds for the principals of these groups. */
    groups: Type.Array(Name, { minItems: 1, maxItems: 1_000 }),
    statements: Type.Array(PolicyStatement, { minItems: 1, maxItems: 1_000 }),
  },
  { $id: 'tv1.PolicyRecord', additionalProperties: false },
);
export type PolicyRecord = Static<typeof PolicyRecord>;

/** `policy.<name>`. */
export function policyKey(name: string): string {
  return `policy.${encodeToken(name)}`;
}
