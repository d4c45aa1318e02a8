import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';

export const NDJSON = 'application/x-ndjson';

/** Of one item of a batch. */
export interface Result {
  ok: boolean;
  pos?: number;
  code?: string;
  message?: string;
}

/** A batch in one piece. */
export async function postTo(
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<{ status: number; results: Result[]; text: string; headers: Headers }> {
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  const lines = response.headers.get('content-type') === NDJSON;
  const results = lines
    ? text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Result]))
    : ((JSON.parse(text) as { results?: Result[] }).results ?? []);
  return { status: response.status, results, text, headers: response.headers };
}

export const codes = (results: readonly Result[]): string[] =>
  results.map(({ ok, code }) => (ok ? 'ok' : code!));
export const numbered = (count: number, qos = 1) =>
  Array.from({ length: count }, (_, i) => ({ topic: 'many/a', payload: `${i}`, qos }));

/** A request that the test writes bit by bit. */
export async function openRequest(url: string, headers: Record<string, string> = {}) {
  const request: ClientRequest = httpRequest(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': NDJSON, ...headers },
  });
  request.on('error', () => undefined);
  const lines: Result[] = [];
  let rest = '';
  let response: IncomingMessage | undefined;
  let ended = false;
  request.on('response', (begun) => {
    response = begun;
    begun.setEncoding('utf8');
    begun.on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop()!;
      for (const part of parts) lines.push(JSON.parse(part) as Result);
    });
    begun.on('end', () => (ended = true));
    begun.on('error', () => undefined);
  });
  request.flushHeaders();
  await once(request, 'socket');
  return {
    request,
    lines,
    rest: () => rest,
    get status() {
      return response?.statusCode;
    },
    get ended() {
      return ended;
    },
  };
}
