import { STATUS_CODES } from 'node:http';
import { errorCode, ERRORS, publicError, toHttpStatus, type PublicError } from '@trivium/contracts';
import type { Logger } from '@trivium/bus';
import { CHALLENGES } from '@trivium/identity';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';

export const PROBLEM_JSON = 'application/problem+json';

/** The answer to every request that failed: problem details, RFC 9457, with our code. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Always about:blank: `code` says what it is.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'One of the table of error codes.' }),
    path: Type.Optional(Type.String({ description: 'JSON pointer to what is wrong in the payload.' })),
    requestId: Type.Optional(Type.String()),
    traceId: Type.Optional(Type.String()),
  },
  { title: 'Problem' },
);
export type Problem = Static<typeof Problem>;

/** For the `response` of a route's schema: whatever is not answered as it says there. */
export const problems = {
  default: {
    description: 'It could not be done; `code` says why.',
    content: { [PROBLEM_JSON]: { schema: Problem } },
  },
};

/** What a caller should wait when the error itself does not say. */
const RETRY_AFTER_MS = 1_000;

/** The body of a refusal; `request`: what it answers, as far as it could be read. */
export function problemOf(
  { code, message, path }: PublicError,
  status: number,
  request?: { id: string; traceId: string },
): Problem {
  const about = request === undefined ? {} : { requestId: request.id, traceId: request.traceId };
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
    code,
    ...(path === undefined ? {} : { path }),
    ...about,
  };
}

/** Answers with a problem. `status` is that of the code unless the place it arose gives a more precise one. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: PublicError,
  status = toHttpStatus(error.code),
): FastifyReply {
  const category = ERRORS[error.code].category;
  // 429 of a quota as well: what is held now may be free later.
  const mayComeBack = status === 429 || category === 'retryable' || category === 'overloaded';
  if (error.retryAfterMs !== undefined || mayComeBack)
    reply.header('retry-after', Math.ceil((error.retryAfterMs ?? RETRY_AFTER_MS) / 1000));
  if (status === 401) reply.header('www-authenticate', CHALLENGES);
  return reply
    .code(status)
    .type(PROBLEM_JSON)
    .send(problemOf(error, status, request));
}

/** Turns whatever was thrown while a request was served into a problem; logs what is a fault of the hub. */
export function createErrorHandler(logger: Logger) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const refusal = refusalOf(error);
    if (refusal !== undefined) return sendProblem(request, reply, refusal.error, refusal.status);
    logger.error({ err: error, requestId: request.id, traceId: request.traceId }, 'a request failed');
    return sendProblem(request, reply, publicError(error));
  };
}

function refusalOf(error: FastifyError): { error: PublicError; status: number } | undefined {
  const code = errorCode(error);
  if (code !== 'defect') {
    const shown = publicError(error);
    return { error: shown, status: toHttpStatus(shown.code) };
  }
  if (error.validation !== undefined) {
    const qos = error.validation.some(({ instancePath }) => instancePath === '/qos');
    return {
      error: { code: qos ? 'qos.unsupported' : 'protocol.malformed', message: error.message },
      status: 400,
    };
  }
  const status = error.statusCode;
  if (status === 413) {
    const message = 'the body is larger than this hub accepts';
    return { error: { code: 'payload.too-large', message }, status };
  }
  // What Fastify itself refuses: a bad address, a body that is cut off, …
  if (status !== undefined && status >= 400 && status < 500)
    return { error: { code: 'protocol.malformed', message: error.message }, status };
  return undefined;
}
