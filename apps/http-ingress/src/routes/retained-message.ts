import { refuse, type TopicLimits } from '@trivium/contracts';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { answerAsAws } from '../aws-answer.ts';
import { userPropertiesToAws } from '../aws-properties.ts';
import { problems, sendProblem } from '../problem.ts';
import type { RetainedMessages } from '../retained-messages.ts';
import { topicOfUrl } from '../topic-of-url.ts';

const PREFIX = '/retainedMessage/';

const Params = Type.Object({
  '*': Type.String({ description: 'The topic, slashes raw or as %2F; empty levels count.' }),
});

const Retained = Type.Object(
  {
    topic: Type.String(),
    payload: Type.String({ description: 'Base64.' }),
    qos: Type.Integer({ description: 'As published; MQTT clients may publish with 2.' }),
    lastModifiedTime: Type.Integer({ description: 'Milliseconds since the epoch.' }),
    userProperties: Type.Union([Type.String(), Type.Null()], {
      description: 'Base64 of JSON: [{"name":"value"},…].',
    }),
  },
  { description: 'The retained message.' },
);

export interface RetainedMessageOptions {
  retained: RetainedMessages;
  limits: TopicLimits;
}

/** `GET /retainedMessage/{topic}`: the retained message of a topic, in the form of the AWS IoT data plane. */
export function retainedMessage(app: App, { retained, limits }: RetainedMessageOptions): void {
  app.register(async (scope: App) => {
    answerAsAws(scope);
    scope.get(
      `${PREFIX}*`,
      {
        schema: {
          operationId: 'getRetainedMessage',
          tags: ['messages'],
          summary: 'The retained message of a topic',
          params: Params,
          response: { 200: Retained, ...problems },
        },
      },
      async (request, reply) => {
        const topic = topicOfUrl(request.raw.url ?? '', PREFIX, limits);
        if (!topic.ok) {
          const status = topic.error.code === 'topic.too-long' ? 414 : undefined;
          return sendProblem(request, reply, topic.error, status);
        }
        const refused = request.caller.refusalOf('receive', topic.value);
        if (refused !== undefined) return sendProblem(request, reply, refused);
        const found = await retained.get(topic.value);
        if (found === undefined)
          return sendProblem(request, reply, refuse('not-found', 'this topic has no retained message').error);
        const { payload, qos, retainedAt, properties } = found;
        const pairs = properties?.userProperties;
        return {
          topic: found.topic,
          payload: Buffer.from(payload).toString('base64'),
          qos,
          lastModifiedTime: retainedAt,
          userProperties: pairs === undefined ? null : userPropertiesToAws(pairs),
        };
      },
    );
  });
}
