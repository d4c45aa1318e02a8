import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { CommandError } from '../command.ts';
import type { Door } from './door.ts';
import { isUntrusted } from './tls-options.ts';

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal?: AbortSignal;
}

/** The door could not be reached, or hung up before it answered. */
export class Unreachable extends CommandError {}

/** The door said no, in its words. */
export class Refused extends CommandError {
  readonly status: number;
  /** What it asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, retryAfterMs: number | undefined) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Resolves with the answer when it is a 200, its body unread. Rejects with `Unreachable` or `Refused`. */
export async function askDoor({ url, headers, tls }: Door, question: Question): Promise<IncomingMessage> {
  const target = new URL(url);
  target.pathname = `${url.pathname.replace(/\/$/, '')}${question.path}`;
  target.search = question.query.toString();
  const { method, body, signal } = question;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
      method,
      headers: {
        ...headers,
        ...question.headers,
        ...(body === undefined ? {} : { 'content-length': body.length }),
      },
      ...tls,
      ...(signal === undefined ? {} : { signal }),
      // A connection of its own: it is asked once.
      agent: false,
    });
    request.once('response', resolve);
    request.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new Unreachable(`no answer from ${url.origin}: ${reasonOf(cause)}`, { cause })),
    );
    request.end(body);
  });
  if (response.statusCode === 200) return response;
  const text = (await buffer(response).catch(() => Buffer.alloc(0))).toString();
  const seconds = Number(response.headers['retry-after'] ?? NaN);
  throw new Refused(
    `${problemIn(text) ?? `${url.origin} answered`} (HTTP ${response.statusCode})`,
    response.statusCode ?? 0,
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
  );
}

/** Several addresses that were tried make an error without a message of its own. */
function reasonOf(error: NodeJS.ErrnoException): string {
  const reason = error.message || (error.code ?? error.name);
  return isUntrusted(error.code) ? `${reason}; --cafile <pem> says who signed its certificate` : reason;
}

function problemIn(text: string): string | undefined {
  try {
    const { detail, code } = JSON.parse(text) as { detail?: unknown; code?: unknown };
    return typeof detail === 'string' && typeof code === 'string' ? `${code}: ${detail}` : undefined;
  } catch {
    return undefined;
  }
}
