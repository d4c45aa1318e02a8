import type { Topic } from '@trivium/contracts';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { answerAsAws } from '../aws-answer.ts';
import { problems } from '../problem.ts';
import type { RetainedMessages } from '../retained-messages.ts';

const MAX_RESULTS = 200;

const Query = Type.Object({
  nextToken: Type.Optional(
    Type.String({ pattern: '^[0-9]{1,15}$', description: '`nextToken` of the answer before.' }),
  ),
  maxResults: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_RESULTS,
      default: MAX_RESULTS,
      description: 'Topics in one answer.',
    }),
  ),
});

const Retained = Type.Object(
  {
    retainedTopics: Type.Array(
      Type.Object({
        topic: Type.String(),
        payloadSize: Type.Integer({ description: 'Bytes.' }),
        qos: Type.Integer(),
        lastModifiedTime: Type.Integer({ description: 'Milliseconds since the epoch.' }),
      }),
    ),
    nextToken: Type.Union([Type.String(), Type.Null()], { description: 'Null: there are no more.' }),
  },
  { description: 'A page of topics that have a retained message, the one that was retained first before.' },
);

/** `GET /retainedMessage`: the topics that have a retained message, in the form of the AWS IoT data plane. */
export function retainedMessages(app: App, { retained }: { retained: RetainedMessages }): void {
  app.register(async (scope: App) => {
    answerAsAws(scope);
    scope.get(
      '/retainedMessage',
      {
        schema: {
          operationId: 'listRetainedMessages',
          tags: ['messages'],
          summary: 'The topics that have a retained message, of those that the caller may receive',
          querystring: Query,
          response: { 200: Retained, ...problems },
        },
      },
      async (request) => {
        const { nextToken, maxResults = MAX_RESULTS } = request.query;
        const mayShow = (topic: Topic): boolean => request.caller.refusalOf('receive', topic) === undefined;
        const { messages, next } = await retained.list(Number(nextToken ?? 0), maxResults, mayShow);
        return {
          retainedTopics: messages.map(({ topic, payload, qos, retainedAt }) => ({
            topic,
            payloadSize: payload.length,
            qos,
            lastModifiedTime: retainedAt,
          })),
          nextToken: next === undefined ? null : String(next),
        };
      },
    );
  });
}
