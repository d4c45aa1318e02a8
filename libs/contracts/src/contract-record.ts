import { Type } from 'typebox';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/**
 * What becomes of a message that breaks its contract. `reject`: the publisher is told in the words of its protocol; where that has none,
 * as `dead-letter`. `tag`: it goes through with the user property `CONTRACT_VIOLATION`. `dead-letter`: it is acknowledged, put aside, and
 * reaches nobody.
 */
export type ViolationPolicy = 'reject' | 'tag' | 'dead-letter';

/** User property of a message that went through although it broke a contract; its value is the contract's name. */
export const CONTRACT_VIOLATION = 'tv-contract-violation';

const Text = (maxLength: number) => Type.Optional(Type.String({ maxLength }));

/** What a site expects of the messages on some topics: bucket `contracts`, key `contractKey(name)`. */
export const ContractRecord = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
    /** The topics, as an MQTT filter. Of several that match a topic the most specific one is its contract. */
    filter: Type.String({ minLength: 1 }),
    /** JSON Schema (2020-12) of the payload, which then is JSON. Without one any payload will do. */
    schema: Type.Optional(Type.Union([Type.Boolean(), Type.Object({}, { additionalProperties: true })])),
    /** What a message that says its content type has to say. */
    contentType: Text(256),
    onViolation: Type.Union([Type.Literal('reject'), Type.Literal('tag'), Type.Literal('dead-letter')]),
    owner: Text(256),
    description: Text(4_096),
  },
  { $id: 'tv1.ContractRecord' },
);
export type ContractRecord = Static<typeof ContractRecord>;

export function contractKey(name: string): string {
  return encodeToken(name);
}
