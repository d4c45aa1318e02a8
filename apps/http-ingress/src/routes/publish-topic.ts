import {
  accept,
  parseTopic,
  refuse,
  type Message,
  type Properties,
  type Result,
  type TopicLimits,
} from '@trivium/contracts';
import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { App } from '../app.ts';
import { clientIdOf } from '../client-id.ts';
import type { Clock } from '../clock.ts';
import { contentTypeOf } from '../content-type.ts';
import { problems, sendProblem } from '../problem.ts';
import type { Publishing } from '../publishing.ts';
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
    Type.Union(
      ['0', '1', 'false', 'true'].map((value) => Type.Literal(value)),
      { description: 'Not offered yet.' },
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
  traceparent: Type.Optional(Type.String({ description: 'W3C Trace Context: the trace goes on.' })),
  tracestate: Type.Optional(Type.String()),
});

const Published = Type.Object(
  {
    message: Type.Literal('OK'),
    traceId: Type.String({ description: '32 hexadecimal digits.' }),
  },
  { description: 'Published; with QoS 1 stored, at the position in the header x-trivium-pos.' },
);

export interface PublishTopicOptions {
  publishing: Publishing;
  limits: TopicLimits;
  maxClientIdBytes: number;
  clock: Clock;
}

/** `POST /topics/{topic}`: publishes the body as it is, in the form of the AWS IoT data plane. */
export function publishTopic(app: App, options: PublishTopicOptions): void {
  const { publishing, limits, maxClientIdBytes, clock } = options;

  // A context of its own, whose parser takes every body as bytes.
  app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
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
        // The type is for the message: no body is refused for having one that is unknown, malformed or none.
        onRequest(request, _reply, done) {
          const headers = request.raw.headers;
          request.bodyType = headers['content-type'];
          delete headers['content-type'];
          done();
        },
      },
      async (request, reply) => {
        const { url = '' } = request.raw;
        const topic = topicOfUrl(url, PREFIX, limits);
        if (!topic.ok) {
          const status = topic.error.code === 'topic.too-long' ? 414 : undefined;
          return sendProblem(request, reply, topic.error, status);
        }
        const client = clientIdOf(request.headers['x-client-id'], maxClientIdBytes);
        if (!client.ok) return sendProblem(request, reply, client.error);
        const { qos = 0, retain } = request.query;
        if (retain === '1' || retain === 'true')
          return sendProblem(
            request,
            reply,
            refuse('retain.unsupported', 'retain is not offered here yet').error,
          );
        const properties = propertiesOf(request, request.query, clock.now(), limits);
        if (!properties.ok) return sendProblem(request, reply, properties.error);
        const message: Message = {
          topic: topic.value,
          payload: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          qos: qos === 0 ? 0 : 1,
          retain: false,
          properties: properties.value,
          ...(client.value === undefined ? {} : { client: client.value }),
        };
        const { pos, traceId } = await publishing.publish(message);
        if (traceId !== undefined) request.traceId = traceId;
        if (pos !== undefined) reply.header('x-trivium-pos', pos);
        return { message: 'OK' as const, traceId: request.traceId };
      },
    );
  });
}

function propertiesOf(
  { headers, bodyType }: FastifyRequest,
  query: Static<typeof Query>,
  nowMs: number,
  limits: TopicLimits,
): Result<Properties> {
  const { responseTopic, messageExpiry } = query;
  if (responseTopic !== undefined) {
    const checked = parseTopic(responseTopic, limits);
    if (!checked.ok) return refuse(checked.error.code, `responseTopic: ${checked.error.message}`);
  }
  const contentType = contentTypeOf(query.contentType, bodyType);
  const { traceparent, tracestate } = headers;
  return accept({
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(messageExpiry === undefined ? {} : { expiresAt: nowMs + messageExpiry * 1000 }),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    ...(typeof traceparent === 'string' && typeof tracestate === 'string' ? { tracestate } : {}),
  });
}
