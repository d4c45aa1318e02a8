import type { Bus } from '@trivium/bus';
import { parseTopic, type TopicLimits } from '@trivium/contracts';
import { explain, Explanation, type Token } from '@trivium/explain';
import { Type, type Static } from 'typebox';
import type { App } from '../app.ts';
import type { Clock } from '@trivium/clock';
import { problems, sendProblem } from '../problem.ts';

const GROUP = '[A-Za-z0-9][A-Za-z0-9._-]{0,63}';

const Query = Type.Object({
  client: Type.String({ minLength: 1, description: 'The client id.' }),
  topic: Type.String({ minLength: 1, description: 'Of a message, without wildcards.' }),
  groups: Type.Optional(
    Type.String({
      pattern: `^(${GROUP}(,${GROUP})*)?$`,
      maxLength: 8_192,
      description:
        'Of a token, with commas between them, for a client that comes with one: they are stored nowhere. A stored credential counts before them.',
    }),
  ),
  claim: Type.Optional(
    Type.Array(Type.String({ pattern: '^[^=]+=' }), {
      maxItems: 100,
      description:
        'Of a token, as `name=value`, for policies that ask for it; repeat the parameter for several.',
    }),
  ),
});

export interface ExplainRouteOptions {
  bus: Bus;
  limits: TopicLimits;
  clock: Pick<Clock, 'now'>;
}

/** `GET /v1/explain`: why a message does or does not reach a client. */
export function explainRoute(app: App, { bus, limits, clock }: ExplainRouteOptions): void {
  app.get(
    '/v1/explain',
    {
      schema: {
        operationId: 'explain',
        tags: ['devices'],
        summary: 'Why a message does or does not reach a client',
        querystring: Query,
        response: { 200: Explanation, ...problems },
      },
    },
    async (request, reply) => {
      const refused = request.caller.refusalOfAdmin();
      if (refused !== undefined) return sendProblem(request, reply, refused);
      const topic = parseTopic(request.query.topic, limits);
      if (!topic.ok) return sendProblem(request, reply, topic.error);
      const question = { client: request.query.client, topic: topic.value, token: tokenOf(request.query) };
      return explain({ bus, now: clock.now }, question);
    },
  );
}

function tokenOf({ groups, claim = [] }: Static<typeof Query>): Token {
  const claims = claim.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]);
  return {
    ...(groups === undefined ? {} : { groups: groups === '' ? [] : groups.split(',') }),
    claims: Object.fromEntries(claims) as Record<string, string>,
  };
}
