import { refuse } from '@trivium/contracts';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { Device, type DevicePresence } from '../device-presence.ts';
import { problems, sendProblem } from '../problem.ts';

const Params = Type.Object({ id: Type.String({ minLength: 1, description: 'The client id.' }) });

/** `GET /v1/devices/{id}`: one device, 404 when nobody has heard of it. */
export function device(app: App, { presence }: { presence: DevicePresence }): void {
  app.get(
    '/v1/devices/:id',
    {
      schema: {
        operationId: 'getDevice',
        tags: ['devices'],
        summary: 'One device and its presence',
        params: Params,
        response: { 200: Device, ...problems },
      },
    },
    async (request, reply) => {
      const found = await presence.get(request.params.id);
      if (found !== undefined) return found;
      return sendProblem(request, reply, refuse('device.unknown', 'there is no device with this id').error);
    },
  );
}
