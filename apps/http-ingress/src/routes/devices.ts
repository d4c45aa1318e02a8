import { Type } from 'typebox';
import type { App } from '../app.ts';
import { Device, type DevicePresence } from '../device-presence.ts';
import { problems } from '../problem.ts';

const Query = Type.Object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000, description: 'Devices in one answer.' }),
  ),
  after: Type.Optional(Type.String({ description: 'Begins behind this id: `next` of the answer before.' })),
});

const Devices = Type.Object(
  {
    devices: Type.Array(Device),
    next: Type.Optional(Type.String({ description: 'There are more: ask again with this as `after`.' })),
  },
  { description: 'A page of devices, ordered by id.' },
);

/** `GET /v1/devices`: everybody who was ever connected, ordered by id (by UTF-16 code units). */
export function devices(app: App, { presence }: { presence: DevicePresence }): void {
  app.get(
    '/v1/devices',
    {
      schema: {
        operationId: 'listDevices',
        tags: ['devices'],
        summary: 'Devices and their presence',
        querystring: Query,
        response: { 200: Devices, ...problems },
      },
    },
    async (request) => {
      const { limit = 1_000, after } = request.query;
      const all = await presence.list();
      const begin = after === undefined ? 0 : all.findIndex(({ id }) => id > after);
      const page = begin === -1 ? [] : all.slice(begin, begin + limit);
      const last = page.at(-1);
      return last === undefined || last === all.at(-1) ? { devices: page } : { devices: page, next: last.id };
    },
  );
}
