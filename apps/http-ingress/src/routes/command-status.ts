import { CommandRecord, refuse, type PublicError } from '@trivium/contracts';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import type { Caller } from '../caller.ts';
import type { Commanding } from '../commanding.ts';
import { problems, sendProblem } from '../problem.ts';

const Params = Type.Object({ requestId: Type.String({ minLength: 1 }) });

const { v: _v, id: _id, principal: _principal, ...shown } = CommandRecord.properties;
const Status = Type.Object(
  { requestId: Type.String(), ...shown },
  { title: 'Command', description: '`reply.payload` is base64.' },
);

const UNKNOWN = refuse('not-found', 'there is no such command; what became of one is known for a day').error;

/** Why the caller may not know of it: it is somebody else's. */
function refusalOf(caller: Caller, { principal }: CommandRecord): PublicError | undefined {
  return caller.principal.name === principal ? undefined : caller.refusalOfAdmin();
}

/** `GET /v1/commands/{requestId}`: what became of a command that was queued, or had an idempotency key. `DELETE` takes a queued one back. */
export function commandStatus(app: App, { commanding }: { commanding: Commanding }): void {
  app.get(
    '/v1/commands/:requestId',
    {
      schema: {
        operationId: 'getCommand',
        tags: ['commands'],
        summary: 'What became of a command',
        params: Params,
        response: { 200: Status, ...problems },
      },
    },
    async (request, reply) => {
      const record = await commanding.status(request.params.requestId);
      if (record === undefined) return sendProblem(request, reply, UNKNOWN);
      const refused = refusalOf(request.caller, record);
      if (refused !== undefined) return sendProblem(request, reply, refused);
      const { v: _, id, principal: __, ...rest } = record;
      return { requestId: id, ...rest };
    },
  );
  app.delete(
    '/v1/commands/:requestId',
    {
      schema: {
        operationId: 'cancelCommand',
        tags: ['commands'],
        summary: 'Take back a command that waits for its device',
        params: Params,
        response: { 204: Type.Null({ description: 'It will not be sent.' }), ...problems },
      },
    },
    async (request, reply) => {
      const { requestId } = request.params;
      const record = await commanding.status(requestId);
      if (record === undefined) return sendProblem(request, reply, UNKNOWN);
      const refused = refusalOf(request.caller, record);
      if (refused !== undefined) return sendProblem(request, reply, refused);
      if (await commanding.cancel(requestId)) return reply.code(204).send(null);
      const there = (await commanding.status(requestId)) ?? record;
      const { error } = refuse('protocol.error', `the command is ${there.state} and cannot be taken back`);
      return sendProblem(request, reply, error, 409);
    },
  );
}
