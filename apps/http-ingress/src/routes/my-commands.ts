import {
  accept,
  checkProperties,
  JsonProperties,
  payloadToJson,
  propertiesToJson,
  refuse,
  type Result,
} from '@trivium/contracts';
import type { Command } from '@trivium/commands';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { contentTypeOf } from '../content-type.ts';
import { parseDuration } from '../duration.ts';
import { hangUp } from '../hang-up.ts';
import type { PollingDevices } from '../polling-devices.ts';
import { problems, sendProblem } from '../problem.ts';
import { rawBody, takeRawBodies } from '../raw-body.ts';

const Headers = Type.Object({
  'x-client-id': Type.Optional(
    Type.String({ description: 'The device that asks; default: the name of who asks.' }),
  ),
});

const Query = Type.Object({
  wait: Type.Optional(Type.String({ description: 'How long to wait for a command: 30s (default), 0s.' })),
});

const Given = Type.Object({
  requestId: Type.String({ description: 'For the reply.' }),
  name: Type.String(),
  payload: Type.Optional(Type.Unknown({ description: 'As in messages: JSON, or a string.' })),
  payloadBase64: Type.Optional(Type.String()),
  contentType: Type.Optional(Type.String()),
  properties: Type.Optional(JsonProperties),
  expiresAt: Type.Optional(Type.Integer({ description: 'Nobody waits for the reply after this.' })),
});

const Params = Type.Object({ requestId: Type.String({ minLength: 1 }) });

const DEFAULT_WAIT = '30s';
const MAX_WAIT_MS = 120_000;

/** `GET /v1/devices/me/commands` and `POST …/{requestId}/reply`: commands for devices that speak only HTTP. */
export function myCommands(app: App, { polling }: { polling: PollingDevices }): void {
  const deviceOf = ({ caller: { client } }: FastifyRequest): Result<string> =>
    client === undefined
      ? refuse('client-id.invalid', 'the header x-client-id says which device asks')
      : accept(client);

  app.get(
    '/v1/devices/me/commands',
    {
      // What is asked for is taken: not to be had without its body.
      exposeHeadRoute: false,
      schema: {
        operationId: 'takeCommands',
        tags: ['commands'],
        summary: 'The commands for the device that asks, as soon as there are any',
        querystring: Query,
        headers: Headers,
        response: {
          200: Type.Object(
            { commands: Type.Array(Given) },
            { description: 'Oldest first; none when none came in time.' },
          ),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const device = deviceOf(request);
      if (!device.ok) return sendProblem(request, reply, device.error);
      const waitMs = parseDuration('wait', request.query.wait ?? DEFAULT_WAIT, MAX_WAIT_MS);
      if (!waitMs.ok) return sendProblem(request, reply, waitMs.error);
      const { caller, ip } = request;
      const { rights } = caller;
      const asks = { device: device.value, principal: caller.principal.name, address: ip, rights };
      const admitted = await polling.admit(asks);
      if (!admitted.ok) return sendProblem(request, reply, admitted.error);
      const commands = await polling.poll(asks, waitMs.value, hangUp(reply));
      if (commands === undefined)
        return sendProblem(request, reply, refuse('auth.denied', 'you may not ask any more').error);
      return { commands: commands.map(told) };
    },
  );

  app.register(async (scope: App) => {
    takeRawBodies(scope);
    scope.post(
      '/v1/devices/me/commands/:requestId/reply',
      {
        schema: {
          operationId: 'replyToCommand',
          tags: ['commands'],
          summary: 'The reply of the device: the raw body',
          params: Params,
          headers: Headers,
          response: {
            204: Type.Null({ description: 'Handed on to who asked, if somebody still waits.' }),
            ...problems,
          },
        },
        config: { rawBody: true },
      },
      async (request, reply) => {
        const device = deviceOf(request);
        if (!device.ok) return sendProblem(request, reply, device.error);
        const contentType = contentTypeOf(undefined, request.bodyType);
        const properties = checkProperties(contentType === undefined ? {} : { contentType });
        if (!properties.ok) return sendProblem(request, reply, properties.error);
        const body = { payload: rawBody(request), properties: properties.value };
        polling.reply(device.value, request.params.requestId, body);
        return reply.code(204).send(null);
      },
    );
  });
}

function told({
  id,
  name,
  payload,
  properties,
}: Command): Record<string, unknown> & { requestId: string; name: string } {
  const { contentType, expiresAt, ...rest } = properties ?? {};
  const json = propertiesToJson(rest);
  return {
    ...{ requestId: id, name },
    ...payloadToJson(payload, contentType),
    ...(contentType === undefined ? {} : { contentType }),
    ...(json === undefined ? {} : { properties: json }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
