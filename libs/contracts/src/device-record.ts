import { Type } from 'typebox';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/** What people say about a device. */
export const DeviceDescription = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 4_096 })),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        maxItems: 64,
        description: 'Words to find it by.',
      }),
    ),
    attributes: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Union([Type.String({ maxLength: 4_096 }), Type.Number(), Type.Boolean()]),
        {
          maxProperties: 128,
          description: 'Whatever else is to be known about it.',
        },
      ),
    ),
  },
  { additionalProperties: false },
);
export type DeviceDescription = Static<typeof DeviceDescription>;

/** A device of the registry: bucket `devices`, key `deviceKey(id)`, beside its presence. */
export const DeviceRecord = Type.Object(
  {
    v: Type.Literal(1),
    /** The client id. */
    id: Type.String(),
    ...DeviceDescription.properties,
    /** Milliseconds since the epoch. */
    createdAt: Type.Integer({ minimum: 0 }),
    updatedAt: Type.Integer({ minimum: 0 }),
  },
  { $id: 'tv1.DeviceRecord' },
);
export type DeviceRecord = Static<typeof DeviceRecord>;

/** `registry.<client>`; `id` is the client id itself. */
export function deviceKey(id: string): string {
  return `registry.${encodeToken(id)}`;
}
