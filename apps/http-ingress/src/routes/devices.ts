import { Type } from 'typebox';
import type { App } from '../app.ts';
import { Device } from '../device.ts';
import type { DeviceDirectory } from '../device-directory.ts';
import { Flag, isSet } from '../flag.ts';
import { problems, sendProblem } from '../problem.ts';

const Query = Type.Object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000, description: 'Devices in one answer.' }),
  ),
  after: Type.Optional(Type.String({ description: 'Begins behind this id: `next` of the answer before.' })),
  prefix: Type.Optional(Type.String({ description: 'Only ids that begin like this.' })),
  online: Type.Optional(Flag('Only devices that are connected, or only those that are not.')),
  tag: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 64,
      description: 'Only devices with this tag; repeat the parameter for several, of which they have all.',
    }),
  ),
});

const Devices = Type.Object(
  {
    devices: Type.Array(Device),
    next: Type.Optional(Type.String({ description: 'There are more: ask again with this as `after`.' })),
  },
  { description: 'A page of devices, ordered by id.' },
);

/** `GET /v1/devices`: everybody who is registered or was ever connected, ordered by id (by UTF-16 code units). */
export function devices(app: App, { directory }: { directory: DeviceDirectory }): void {
  app.get(
    '/v1/devices',
    {
      schema: {
        operationId: 'listDevices',
        tags: ['devices'],
        summary: 'Devices: registry and presence',
        querystring: Query,
        response: { 200: Devices, ...problems },
      },
    },
    async (request, reply) => {
      const refused = request.caller.refusalOfAdmin();
      if (refused !== undefined) return sendProblem(request, reply, refused);
      const { limit = 1_000, after, prefix, online, tag } = request.query;
      return directory.list({
        limit,
        after,
        prefix,
        online: online === undefined ? undefined : isSet(online),
        tags: tag,
      });
    },
  );
}
