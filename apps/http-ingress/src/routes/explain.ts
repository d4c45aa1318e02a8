import type { Bus } from '@trivium/bus';
import { parseTopic, type TopicLimits } from '@trivium/contracts';
import { explain, Explanation } from '@trivium/explain';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import type { Clock } from '../clock.ts';
import { problems, sendProblem } from '../problem.ts';

const Query = Type.Object({
  client: Type.String({ minLength: 1, description: 'The client id.' }),
  topic: Type.String({ minLength: 1, description: 'Of a message, without wildcards.' }),
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
      return explain({ bus, now: clock.now }, { client: request.query.client, topic: topic.value });
    },
  );
}
