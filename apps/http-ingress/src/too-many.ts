import { STATUS_CODES } from 'node:http';
import { toHttpStatus } from '@trivium/contracts';
import type { SourceRefusal } from '@trivium/limits';
import { PROBLEM_JSON, problemOf } from './problem.ts';

const MESSAGES: Readonly<Record<SourceRefusal['limit'], string>> = {
  connectionsPerSource: 'too many connections from this address are open',
  connectsPerSecondPerSource: 'too many connections from this address in a short time',
};

/** What a connection over a limit of its source is told, whatever it was about to ask. */
export function tooMany({ limit, retryAfterMs }: SourceRefusal): string {
  const code = 'rate.limited';
  const status = toHttpStatus(code);
  const body = `${JSON.stringify(problemOf({ code, message: MESSAGES[limit] }, status))}\n`;
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_JSON}\r\n` +
    `Retry-After: ${Math.ceil(retryAfterMs / 1_000)}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
