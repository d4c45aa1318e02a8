import { commandTopic, parseCommandName, refuse, type TopicLimits } from '@trivium/contracts';
import type { Audit } from '@trivium/identity';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { AWS_HEADERS } from '../aws-properties.ts';
import type { Clock } from '@trivium/clock';
import type { Commanding } from '../commanding.ts';
import { parseDuration } from '../duration.ts';
import { hangUp } from '../hang-up.ts';
import { idempotencyKeyOf, KEY_HEADERS } from '../idempotency-key.ts';
import { messageProperties } from '../message-properties.ts';
import { problems, sendProblem } from '../problem.ts';
import { rawBody, takeRawBodies } from '../raw-body.ts';

const Params = Type.Object({
  id: Type.String({ minLength: 1, description: 'The client id of the device.' }),
  name: Type.String({ minLength: 1, description: 'Of the command: one level of a topic.' }),
});

const Query = Type.Object({
  timeout: Type.Optional(
    Type.String({ description: 'How long to wait for the reply: 500ms, 5s (default), 1m.' }),
  ),
  queue: Type.Optional(
    Type.String({ description: 'A device that is away gets the command when it is back within this: 1h.' }),
  ),
  contentType: Type.Optional(Type.String({ description: 'Default: that of the body.' })),
});

const Headers = Type.Object({
  [KEY_HEADERS.ours]: Type.Optional(
    Type.String({ description: 'A retry with the same key gets the answer of the first.' }),
  ),
  [AWS_HEADERS.userProperties]: Type.Optional(Type.String()),
  traceparent: Type.Optional(Type.String()),
});

const Queued = Type.Object(
  { requestId: Type.String(), state: Type.Literal('queued') },
  { description: 'The device is away; what becomes of the command is told at the address in Location.' },
);

const DEFAULT_TIMEOUT = '5s';
const MAX_TIMEOUT_MS = 300_000;
const MAX_QUEUE_MS = 7 * 86_400_000;

export interface CommandOptions {
  commanding: Commanding;
  /** Who sent which command to whom. */
  audit: Audit;
  limits: TopicLimits;
  clock: Clock;
}

/** `POST /v1/devices/{id}/commands/{name}`: the body goes to the device, its reply is the answer. */
export function command(app: App, { commanding, audit, limits, clock }: CommandOptions): void {
  app.register(async (scope: App) => {
    takeRawBodies(scope);
    scope.post(
      '/v1/devices/:id/commands/:name',
      {
        schema: {
          operationId: 'sendCommand',
          tags: ['commands'],
          summary: 'Send a command to one device and get its reply',
          params: Params,
          querystring: Query,
          headers: Headers,
          response: {
            200: { description: 'The reply of the device: body and content type as it sent them.' },
            202: Queued,
            ...problems,
          },
        },
        config: { rawBody: true },
      },
      async (request, reply) => {
        const { id: device, name } = request.params;
        const { timeout = DEFAULT_TIMEOUT, queue } = request.query;
        const named = parseCommandName(name);
        if (!named.ok) return sendProblem(request, reply, named.error);
        const { caller } = request;
        const refused = caller.refusalOf('command', commandTopic(device, named.value));
        if (refused !== undefined) return sendProblem(request, reply, refused);
        const timeoutMs = parseDuration('timeout', timeout, MAX_TIMEOUT_MS);
        if (!timeoutMs.ok) return sendProblem(request, reply, timeoutMs.error);
        const queueMs = queue === undefined ? undefined : parseDuration('queue', queue, MAX_QUEUE_MS);
        if (queueMs?.ok === false) return sendProblem(request, reply, queueMs.error);
        if (timeoutMs.value === 0)
          return sendProblem(request, reply, refuse('protocol.malformed', 'timeout is above 0').error);
        const key = idempotencyKeyOf(request.headers);
        if (!key.ok) return sendProblem(request, reply, key.error);
        const { contentType } = request.query;
        const about = contentType === undefined ? {} : { contentType };
        const properties = messageProperties(request, about, clock.now(), limits);
        if (!properties.ok) return sendProblem(request, reply, properties.error);
        const { principal, client } = caller;
        audit.write({
          ...{ kind: 'command', principal: principal.name, object: commandTopic(device, name) },
          ...{ address: request.ip, ...(client === undefined ? {} : { client }) },
        });
        const outcome = await commanding.send({
          ...{ device, name, timeoutMs: timeoutMs.value, queueMs: queueMs?.value },
          principal: principal.name,
          idempotencyKey: key.value,
          body: {
            payload: rawBody(request),
            properties: properties.value,
          },
          signal: hangUp(reply),
        });
        reply.header('x-trivium-command', outcome.id);
        if (outcome.is === 'queued')
          return reply
            .code(202)
            .header('location', `/v1/commands/${outcome.id}`)
            .send({ requestId: outcome.id, state: 'queued' as const });
        const { payload, properties: replied } = outcome.reply;
        return reply
          .code(200)
          .type(replied?.contentType ?? 'application/octet-stream')
          .send(Buffer.from(payload.buffer, payload.byteOffset, payload.length) as never);
      },
    );
  });
}
