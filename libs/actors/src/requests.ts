import type { Bus, BusMessage, LiveSubscription } from '@trivium/bus';
import {
  decodeToken,
  partitionSubject,
  refuse,
  TriviumError,
  type ErrorCode,
  type Result,
} from '@trivium/contracts';
import type { Asker } from './envelope.ts';

/** A request to an actor: the body names the kind, the rest is the kind's own. */
export interface ActorRequest {
  readonly actor: string;
  readonly id: string;
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Serves `tv1.d.<partition>.<id>` for the partitions that are open; for others nobody answers, which the asker sees at once. */
export interface Requests {
  open(partition: number): void;
  close(partition: number): void;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** `ask` hands the request to its actor, or throws a `TriviumError`. */
export function serveRequests(bus: Bus, ask: (request: ActorRequest, asker: Asker) => void): Requests {
  const served = new Map<number, LiveSubscription>();
  const handle = (message: BusMessage): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      const request = parseRequest(message.subject, message.data);
      if (!request.ok) throw new TriviumError(request.error.code, request.error.message);
      ask(request.value, {
        answer: (value) => resolve(utf8.encode(JSON.stringify(value))),
        refuse: (code: ErrorCode) => reject(new TriviumError(code)),
      });
    });
  return {
    open(partition) {
      if (!served.has(partition)) served.set(partition, bus.serve(partitionSubject(partition), handle));
    },
    close(partition) {
      served.get(partition)?.close();
      served.delete(partition);
    },
  };
}

/** The body of a request for `bus.request(actorSubject(partitionOf(id), id), …)`. */
export function encodeRequest(actor: string, body: Readonly<Record<string, unknown>> = {}): Uint8Array {
  return utf8.encode(JSON.stringify({ ...body, v: 1, actor }));
}

function parseRequest(subject: string, data: Uint8Array): Result<ActorRequest> {
  const id = decodeToken(subject.slice(subject.lastIndexOf('.') + 1));
  if (id === undefined) return refuse('client-id.invalid', 'the subject names no id');
  let body: unknown;
  try {
    body = JSON.parse(text.decode(data));
  } catch {
    return refuse('payload.invalid', 'not JSON');
  }
  if (typeof body !== 'object' || body === null) return refuse('payload.invalid', 'not a JSON object');
  const record = body as Readonly<Record<string, unknown>>;
  const actor = record['actor'];
  if (record['v'] !== 1 || typeof actor !== 'string')
    return refuse('payload.invalid', 'no version 1 request of an actor');
  return { ok: true, value: { actor, id, subject, body: record } };
}
