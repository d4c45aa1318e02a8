import { Type } from 'typebox';
import { JsonProperties } from './json-properties.ts';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/**
 * What became of a command that somebody may ask about: bucket `commands`, key `commandKey(id)`. `queued`: it waits for its device.
 * `sent`: the device has it, or is about to. `answered`, `failed`, `expired`, `cancelled` are ends.
 */
export const CommandRecord = Type.Object(
  {
    v: Type.Literal(1),
    id: Type.String({ minLength: 1 }),
    device: Type.String(),
    name: Type.String(),
    state: Type.Union([
      Type.Literal('queued'),
      Type.Literal('sent'),
      Type.Literal('answered'),
      Type.Literal('failed'),
      Type.Literal('expired'),
      Type.Literal('cancelled'),
    ]),
    /** Who sent it. */
    principal: Type.Optional(Type.String()),
    /** Milliseconds since the epoch. */
    createdAt: Type.Integer({ minimum: 0 }),
    /** It is not sent after this. */
    expiresAt: Type.Integer({ minimum: 0 }),
    /** Why it failed: a code of the table. */
    code: Type.Optional(Type.String()),
    /** What the device answered; base64. */
    reply: Type.Optional(
      Type.Object({
        payload: Type.String(),
        contentType: Type.Optional(Type.String()),
        properties: Type.Optional(JsonProperties),
      }),
    ),
  },
  { $id: 'tv1.CommandRecord' },
);
export type CommandRecord = Static<typeof CommandRecord>;

/** A command that was asked for with an idempotency key: bucket `commands`, key `idempotentCommandKey`. */
export const IdempotentCommand = Type.Object(
  {
    v: Type.Literal(1),
    /** The command that was made for it. */
    id: Type.String({ minLength: 1 }),
    /** Of name and payload: another command under the key is refused. */
    digest: Type.String(),
  },
  { $id: 'tv1.IdempotentCommand' },
);
export type IdempotentCommand = Static<typeof IdempotentCommand>;

export function commandKey(id: string): string {
  return encodeToken(id);
}

/** `idem.<device>.<key>`. */
export function idempotentCommandKey(device: string, key: string): string {
  return `idem.${encodeToken(device)}.${encodeToken(key)}`;
}
