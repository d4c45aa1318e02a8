import { DeviceDescription, Presence, type DeviceRecord } from '@trivium/contracts';
import { Type, type Static } from 'typebox';

const { v: _v, pos: _pos, client: _client, online: _online, ...connection } = Presence.properties;

/** A device as the hub knows it: who it is, what the registry says about it, and whether and where it is connected. */
export const Device = Type.Object(
  {
    id: Type.String({ description: 'The client id.' }),
    client: Type.String({ description: 'The same.' }),
    registered: Type.Boolean({ description: 'It has an entry in the registry.' }),
    ...DeviceDescription.properties,
    createdAt: Type.Optional(Type.Integer({ description: 'Of the entry; milliseconds since the epoch.' })),
    updatedAt: Type.Optional(Type.Integer()),
    online: Type.Boolean(),
    ...connection,
  },
  { title: 'Device', description: 'A device: its entry in the registry, and its presence.' },
);
export type Device = Static<typeof Device>;

/** What is known of a device; at least one of the two is there. */
export interface KnownDevice {
  readonly presence?: Presence | undefined;
  readonly record?: DeviceRecord | undefined;
}

export function deviceOf(id: string, { presence, record }: KnownDevice): Device {
  const { v: _v, id: _id, ...described } = record ?? {};
  const { v: __v, pos: _pos, client: _client, ...connection } = presence ?? { online: false };
  return { id, client: id, registered: record !== undefined, ...described, ...connection };
}
