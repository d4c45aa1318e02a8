import type { IncomingMessage } from 'node:http';
import {
  JsonMessage,
  refuse,
  TriviumError,
  type Message,
  type Result,
  type TopicLimits,
} from '@trivium/contracts';
import type { Bus } from '@trivium/bus';
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { keptAnswer, writtenAnswer } from '../batch-answer.ts';
import { batchMessage } from '../batch-message.ts';
import { elementsOf, linesOf, type BatchText, type Piece } from '../batch-text.ts';
import { createBatch, type Batch } from '../batch.ts';
import type { Caller } from '../caller.ts';
import type { Clock } from '@trivium/clock';
import type { HttpConfig } from '../config.ts';
import { isCutOff } from '../hang-up.ts';
import { idempotencyKeyOf, KEY_HEADERS } from '../idempotency-key.ts';
import { problems, sendProblem } from '../problem.ts';
import type { Publishing } from '../publishing.ts';
import type { WriteTurn } from '../write-turn.ts';

const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';

/** Base64 takes a third more, escapes in strings more than that, and a topic is there too. */
const TEXT_PER_PAYLOAD = 2;
const TEXT_BESIDE_PAYLOAD = 65_536;

const BatchResult = Type.Union([
  Type.Object(
    { ok: Type.Literal(true), pos: Type.Optional(Type.Integer({ minimum: 1 })) },
    { description: 'Published; stored at `pos` when it was to be stored.' },
  ),
  Type.Object(
    { ok: Type.Literal(false), code: Type.String(), message: Type.String() },
    { description: 'Not published, or it is not known. `code`: one of the table of error codes.' },
  ),
]);

const Headers = Type.Object({
  'x-client-id': Type.Optional(Type.String({ description: 'Who publishes.' })),
  [KEY_HEADERS.ours]: Type.Optional(
    Type.String({ description: 'The key of each message is this and its place in the batch.' }),
  ),
  [KEY_HEADERS.aws]: Type.Optional(Type.String({ description: 'The same, as the SDKs of AWS say it.' })),
  traceparent: Type.Optional(
    Type.String({ description: 'W3C Trace Context, for messages that have none of their own.' }),
  ),
  tracestate: Type.Optional(Type.String()),
});

const SCHEMA = {
  operationId: 'publishMany',
  tags: ['messages'],
  summary: 'Publish many messages: a JSON array, or lines of JSON',
  headers: Headers,
  body: {
    content: {
      [JSON_TYPE]: { schema: Type.Array(JsonMessage) },
      [NDJSON_TYPE]: { schema: JsonMessage },
    },
  },
  response: {
    207: {
      description: 'A result for each message, in order; as lines when the messages came as lines.',
      content: {
        [JSON_TYPE]: { schema: Type.Object({ results: Type.Array(BatchResult) }) },
        [NDJSON_TYPE]: { schema: BatchResult },
      },
    },
    ...problems,
  },
};

export interface PublishMessagesOptions {
  publishing: Publishing;
  bus: Pick<Bus, 'up' | 'publisher'>;
  turn: WriteTurn;
  config: Pick<
    HttpConfig,
    'maxBodyBytes' | 'maxBatchBytes' | 'maxBatchItems' | 'maxOpenPublishes' | 'maxOutputBytes'
  >;
  limits: TopicLimits;
  clock: Clock;
}

/** `POST /v1/messages`: publishes many messages, read no faster than they are stored; a result for each, in order. */
export function publishMessages(app: App, options: PublishMessagesOptions): void {
  const { publishing, bus, turn, config, limits, clock } = options;
  const { maxBodyBytes, maxBatchBytes, maxBatchItems, maxOpenPublishes, maxOutputBytes } = config;
  const maxItemBytes = TEXT_PER_PAYLOAD * maxBodyBytes + TEXT_BESIDE_PAYLOAD;

  // A context of its own, whose parser leaves the body where it is.
  app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([JSON_TYPE, NDJSON_TYPE], (_request, body, done) => done(null, body));
    scope.post(
      '/v1/messages',
      {
        schema: SCHEMA,
        // The body is a stream here; headers are checked below.
        validatorCompiler: () => () => true,
      },
      async (request, reply) => {
        if (!bus.up) throw new TriviumError('bus.unavailable');
        const { caller } = request;
        const key = idempotencyKeyOf(request.headers);
        if (!key.ok) return sendProblem(request, reply, key.error);
        if (Number(request.headers['content-length'] ?? 0) > maxBatchBytes)
          return sendProblem(request, reply, tooLarge(maxBatchBytes));
        const { raw } = request;
        const response = reply.raw;
        const lines = /^application\/x-ndjson\b/i.test(request.headers['content-type'] ?? '');
        const text = lines ? linesOf(maxItemBytes) : elementsOf(maxItemBytes);
        const trace = traceOf(request.headers);
        const kept = keptAnswer(response);
        const batch = createBatch({
          publishing,
          publisher: bus.publisher,
          answer: lines ? writtenAnswer(response, turn, maxOutputBytes) : kept,
          read: (bytes) =>
            permitted(
              caller,
              batchMessage(bytes, {
                nowMs: clock.now(),
                limits,
                maxPayloadBytes: maxBodyBytes,
                client: caller.client,
                trace,
              }),
            ),
          oneText: !lines,
          key: key.value,
          maxItems: maxBatchItems,
          maxOpen: maxOpenPublishes,
        });
        const begin = (type: string): void => {
          const headers = reply.getHeaders() as Record<string, string>;
          reply.hijack();
          response.writeHead(207, { ...headers, 'content-type': type });
        };
        if (lines) begin(NDJSON_TYPE);
        try {
          await feed(raw, text, batch, maxBatchBytes);
          await batch.settled();
        } catch (error) {
          // Who hangs up gets no answer.
          if (isCutOff(raw)) return reply.hijack();
          if (lines) response.destroy();
          throw error;
        } finally {
          batch.close();
          // What is left of a body that was given up is let by, so that the connection goes on.
          raw.resume();
        }
        if (!lines) begin(JSON_TYPE);
        turn.release(response);
        response.end(lines ? '' : kept.json());
        return reply;
      },
    );
  });
}

/** What may not be published is refused, whatever it is. */
function permitted(caller: Caller, read: Result<Message>): Result<Message> {
  if (!read.ok) return read;
  const error = caller.refusalOfPublish(read.value);
  return error === undefined ? read : { ok: false, error };
}

/** The trace context of the request, for its messages. */
function traceOf({ traceparent, tracestate }: IncomingMessage['headers']) {
  if (typeof traceparent !== 'string') return {};
  return typeof tracestate === 'string' ? { traceparent, tracestate } : { traceparent };
}

const tooLarge = (maxBytes: number) =>
  refuse('payload.too-large', `a batch has at most ${maxBytes} bytes`).error;

/** Takes the body apart while there is room. Rejects when the caller hangs up while it is read. */
async function feed(body: IncomingMessage, text: BatchText, batch: Batch, maxBytes: number): Promise<void> {
  let size = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      batch.add({ refusal: tooLarge(maxBytes), last: true });
      return;
    }
    if (!(await addAll(batch, text.push(chunk), body))) return;
  }
  if (isCutOff(body)) throw new TriviumError('protocol.malformed', 'the request was cut off');
  await addAll(batch, text.end(), body);
}

/** False: nothing may come after these. */
async function addAll(batch: Batch, pieces: Iterable<Piece>, body: IncomingMessage): Promise<boolean> {
  for (const piece of pieces) {
    if (batch.full) await batch.room();
    if (body.socket.destroyed) return false;
    // Nothing of it is done yet: there is no batch to have results.
    if (piece.refusal !== undefined && piece.last && batch.size === 0)
      throw new TriviumError(piece.refusal.code, piece.refusal.message);
    if (!batch.add(piece)) return false;
  }
  return true;
}
