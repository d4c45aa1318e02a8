import { check, DeviceDescription, isMqttString, refuse, type Result } from '@trivium/contracts';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { Device } from '../device.ts';
import type { DeviceDirectory } from '../device-directory.ts';
import type { DeviceRegistry } from '../device-registry.ts';
import { problems, sendProblem } from '../problem.ts';

const PATH = '/v1/devices/:id';
/** Stands for the caller in paths below. */
const ME = 'me';
/** Room for the largest description that the schema allows of what people write by hand. */
const MAX_DESCRIPTION_BYTES = 65_536;

const Params = Type.Object({ id: Type.String({ minLength: 1, description: 'The client id.' }) });

export interface DeviceOptions {
  directory: DeviceDirectory;
  registry: DeviceRegistry;
  maxClientIdBytes: number;
}

/** `GET|PUT|DELETE /v1/devices/{id}`: one device, and its entry in the registry. */
export function device(app: App, { directory, registry, maxClientIdBytes }: DeviceOptions): void {
  const unknown = (what: string) => refuse('device.unknown', what).error;

  app.get(
    PATH,
    {
      schema: {
        operationId: 'getDevice',
        tags: ['devices'],
        summary: 'One device: registry and presence. For administrators, and the device itself',
        params: Params,
        response: { 200: Device, ...problems },
      },
    },
    async (request, reply) => {
      const { caller, params } = request;
      const refused = params.id === caller.client ? undefined : caller.refusalOfAdmin();
      if (refused !== undefined) return sendProblem(request, reply, refused);
      const found = await directory.get(params.id);
      if (found !== undefined) return found;
      return sendProblem(request, reply, unknown('there is no device with this id'));
    },
  );

  app.put(
    PATH,
    {
      bodyLimit: MAX_DESCRIPTION_BYTES,
      schema: {
        operationId: 'putDevice',
        tags: ['devices'],
        summary: 'Register a device, or replace what is said about it',
        params: Params,
        body: DeviceDescription,
        response: {
          200: { ...Device, description: 'The device; it had an entry.' },
          201: { ...Device, description: 'The device; its entry is new.' },
          ...problems,
        },
      },
      // As it is: nothing is left out, and no text turned into a number.
      validatorCompiler: () => () => true,
    },
    async (request, reply) => {
      const refused = request.caller.refusalOfAdmin();
      if (refused !== undefined) return sendProblem(request, reply, refused);
      const id = idToRegister(request.params.id, maxClientIdBytes);
      if (!id.ok) return sendProblem(request, reply, id.error);
      const described = check(DeviceDescription, request.body);
      if (!described.ok) return sendProblem(request, reply, described.error);
      const created = await registry.put(id.value, described.value);
      const device = await directory.get(id.value);
      if (device === undefined) return sendProblem(request, reply, unknown('it was deleted meanwhile'));
      return reply.code(created ? 201 : 200).send(device);
    },
  );

  app.delete(
    PATH,
    {
      schema: {
        operationId: 'deleteDevice',
        tags: ['devices'],
        summary: 'Take a device out of the registry; its presence stays',
        params: Params,
        response: { 204: Type.Null({ description: 'It has no entry any more.' }), ...problems },
      },
    },
    async (request, reply) => {
      const refused = request.caller.refusalOfAdmin();
      if (refused !== undefined) return sendProblem(request, reply, refused);
      if (await registry.remove(request.params.id)) return reply.code(204).send(null);
      return sendProblem(request, reply, unknown('the registry has no device with this id'));
    },
  );
}

function idToRegister(id: string, maxBytes: number): Result<string> {
  if (id === ME) return refuse('client-id.invalid', `"${ME}" stands for whoever asks`);
  if (!isMqttString(id)) return refuse('client-id.invalid', 'the id has characters that no client id has');
  const size = Buffer.byteLength(id);
  if (size > maxBytes)
    return refuse('client-id.invalid', `the id has ${size} bytes, at most ${maxBytes} are accepted`);
  return { ok: true, value: id };
}
