import { parseFilter, refuse, TriviumError, type TopicFilter, type TopicLimits } from '@trivium/contracts';
import type { Delivery, Subscription } from '@trivium/delivery';
import type { PrincipalGate } from '@trivium/limits';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import type { HttpConfig } from '../config.ts';
import { createEventStream, type Surroundings } from '../event-stream.ts';
import type { EventStreams } from '../event-streams.ts';
import { Flag, isSet } from '../flag.ts';
import { problems, sendProblem } from '../problem.ts';
import type { HttpStats } from '../stats.ts';

const POS = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const Headers = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      pattern: '^[0-9]{0,16}$',
      description: 'Log position to go on from; stronger than `from`.',
    }),
  ),
  'x-client-id': Type.Optional(Type.String({ description: 'Who reads.' })),
});

export interface StreamOptions {
  delivery: Delivery;
  streams: EventStreams;
  gate: PrincipalGate;
  surroundings: Surroundings;
  stats: HttpStats;
  config: Pick<HttpConfig, 'maxStreams' | 'maxStreamsPerClient' | 'maxFilters'>;
  limits: TopicLimits;
}

/** `GET /v1/stream`: messages as Server-Sent Events. */
export function stream(app: App, options: StreamOptions): void {
  const { delivery, streams, gate, surroundings, stats, config, limits } = options;
  const Query = Type.Object({
    filter: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: config.maxFilters,
      description: 'Topic filters; repeat the parameter for several.',
    }),
    qos: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1,
        description:
          '1 (default): stored messages in order, with an id to resume from. 0: live messages only.',
      }),
    ),
    access_token: Type.Optional(
      Type.String({
        description: 'A token, for who cannot set headers: the header Authorization is better.',
      }),
    ),
    from: Type.Optional(Type.Integer({ ...POS, description: 'Log position to go on from.' })),
    retained: Type.Optional(
      Flag(
        'Begins with the retained messages that match, also when it goes on from somewhere; default: none.',
      ),
    ),
  });

  app.get(
    '/v1/stream',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'stream',
        tags: ['messages'],
        security: [{}, { basic: [] }, { bearer: [] }, { accessToken: [] }, { certificate: [] }],
        summary: 'Subscribe: messages as Server-Sent Events',
        querystring: Query,
        headers: Headers,
        response: {
          200: {
            description:
              'Events `message` whose data is the `msg` object of trivium.v1; `id` is the log position.',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { principal, rights, client, counted } = request.caller;
      const qos = request.query.qos === 0 ? 0 : 1;
      const sendRetained = isSet(request.query.retained);
      const wanted = new Map<TopicFilter, Subscription>();
      for (const raw of request.query.filter) {
        const filter = parseFilter(raw, limits);
        if (!filter.ok) return sendProblem(request, reply, filter.error);
        if (!rights.subscribe(filter.value)) {
          const message = `you may not subscribe to ${filter.value}`;
          return sendProblem(request, reply, refuse('auth.denied', message).error);
        }
        wanted.set(filter.value, { filter: filter.value, qos, sendRetained });
      }
      const full = whatIsFull(streams, counted, config);
      if (full !== undefined) return sendProblem(request, reply, refuse('rate.limited', full).error);

      if (!gate.enter(principal.name)) {
        const message = 'you have as many streams as you may have';
        return sendProblem(request, reply, refuse('quota.exceeded', message).error);
      }

      const response = reply.raw;
      const events = createEventStream(response, client, rights, surroundings);
      const attachment = delivery.attach(events.receiver);
      response.once('close', () => {
        attachment.detach();
        gate.leave(principal.name);
        stats.streams--;
      });
      stats.streams++;
      stats.streamsOpened++;
      streams.add(events, response, counted);
      const from = resumeFrom(request.headers['last-event-id'], request.query.from);
      try {
        await attachment.subscribe([...wanted.values()], from === undefined ? {} : { after: from });
      } catch (error) {
        attachment.detach();
        throw error;
      }
      if (response.closed) return reply.hijack();
      const headers = reply.getHeaders() as Record<string, string>;
      reply.hijack();
      events.open(attachment, headers);
      return reply;
    },
  );
}

/** Why there is no room for one more stream, if there is none. */
function whatIsFull(
  streams: EventStreams,
  client: string,
  { maxStreams, maxStreamsPerClient }: StreamOptions['config'],
): string | undefined {
  if (streams.size >= maxStreams) return `${maxStreams} streams are open here`;
  if (streams.countOf(client) >= maxStreamsPerClient)
    return `this client has ${maxStreamsPerClient} streams open here`;
  return undefined;
}

/** A client that comes back by itself repeats the query it began with: the header is newer. */
function resumeFrom(lastEventId: string | undefined, from: number | undefined): number | undefined {
  if (lastEventId === undefined || lastEventId === '') return from;
  const pos = Number(lastEventId);
  if (!Number.isSafeInteger(pos))
    throw new TriviumError('protocol.malformed', 'Last-Event-ID is no log position');
  return pos;
}
