import { isCommandTopic, refuse, type Message, type TopicLimits } from '@trivium/contracts';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { answerAsAws } from '../aws-answer.ts';
import { AWS_HEADERS } from '../aws-properties.ts';
import type { Clock } from '@trivium/clock';
import { Flag, isSet } from '../flag.ts';
import { idempotencyKeyOf, KEY_HEADERS } from '../idempotency-key.ts';
import { messageProperties } from '../message-properties.ts';
import { problems, sendProblem } from '../problem.ts';
import type { Publishing } from '../publishing.ts';
import { rawBody, takeRawBodies } from '../raw-body.ts';
import { topicOfUrl } from '../topic-of-url.ts';

const PREFIX = '/topics/';

const Params = Type.Object({
  '*': Type.String({ description: 'The topic, slashes raw or as %2F; empty levels count.' }),
});

const Query = Type.Object({
  qos: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1,
      description: '0 (default): at most once. 1: answered only after the message is stored.',
    }),
  ),
  retain: Type.Optional(
    Flag(
      'The topic keeps this message for later subscribers; an empty body clears it. Answered when it is so.',
    ),
  ),
  contentType: Type.Optional(
    Type.String({
      description: 'Content type of the message; default: that of the body, if it says anything.',
    }),
  ),
  responseTopic: Type.Optional(Type.String({ description: 'Where a reply is expected.' })),
  messageExpiry: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 0xffffffff,
      description: 'Seconds until it is no longer delivered.',
    }),
  ),
});

const Headers = Type.Object({
  'x-client-id': Type.Optional(Type.String({ description: 'Who publishes.' })),
  [KEY_HEADERS.ours]: Type.Optional(
    Type.String({
      description:
        'Tries with the same key store the message once, at whichever door, for two minutes; what is not stored (QoS 0) has no use for it.',
    }),
  ),
  [KEY_HEADERS.aws]: Type.Optional(Type.String({ description: 'The same, as the SDKs of AWS say it.' })),
  [AWS_HEADERS.userProperties]: Type.Optional(
    Type.String({ description: 'Base64 of JSON: [{"name":"value"},…].' }),
  ),
  [AWS_HEADERS.payloadFormat]: Type.Optional(Type.String({ description: 'UTF8_DATA or UNSPECIFIED_BYTES.' })),
  [AWS_HEADERS.correlationData]: Type.Optional(Type.String({ description: 'Base64.' })),
  traceparent: Type.Optional(Type.String({ description: 'W3C Trace Context: the trace goes on.' })),
  tracestate: Type.Optional(Type.String()),
});

const Published = Type.Object(
  {
    message: Type.Literal('OK'),
    traceId: Type.String({ description: '32 hexadecimal digits.' }),
  },
  { description: 'Published; with QoS 1 or `retain` stored, at the position in the header x-trivium-pos.' },
);

export interface PublishTopicOptions {
  publishing: Publishing;
  limits: TopicLimits;
  clock: Clock;
}

/** `POST /topics/{topic}`: publishes the body as it is, in the form of the AWS IoT data plane. */
export function publishTopic(app: App, options: PublishTopicOptions): void {
  const { publishing, limits, clock } = options;

  app.register(async (scope: App) => {
    answerAsAws(scope);
    takeRawBodies(scope);
    scope.post(
      `${PREFIX}*`,
      {
        schema: {
          operationId: 'publish',
          tags: ['messages'],
          summary: 'Publish one message: the raw body',
          params: Params,
          querystring: Query,
          headers: Headers,
          response: { 200: Published, ...problems },
        },
      },
      async (request, reply) => {
        const { url = '' } = request.raw;
        const topic = topicOfUrl(url, PREFIX, limits);
        if (!topic.ok) {
          const status = topic.error.code === 'topic.too-long' ? 414 : undefined;
          return sendProblem(request, reply, topic.error, status);
        }
        if (isCommandTopic(topic.value))
          return sendProblem(
            request,
            reply,
            refuse('auth.denied', 'topics below cmd/ are for commands').error,
          );
        const { caller } = request;
        const key = idempotencyKeyOf(request.headers);
        if (!key.ok) return sendProblem(request, reply, key.error);
        const { qos = 0, retain } = request.query;
        const properties = messageProperties(request, request.query, clock.now(), limits);
        if (!properties.ok) return sendProblem(request, reply, properties.error);
        const message: Message = {
          topic: topic.value,
          payload: rawBody(request),
          qos: qos === 0 ? 0 : 1,
          retain: isSet(retain),
          properties: properties.value,
          ...(caller.client === undefined ? {} : { client: caller.client }),
        };
        const refused = caller.refusalOfPublish(message);
        if (refused !== undefined) return sendProblem(request, reply, refused);
        const { pos, traceId } = await publishing.publish(message, key.value);
        if (traceId !== undefined) request.traceId = traceId;
        if (pos !== undefined) reply.header('x-trivium-pos', pos);
        return { message: 'OK' as const, traceId: request.traceId };
      },
    );
  });
}
