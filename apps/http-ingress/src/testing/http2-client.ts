import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { waitFor } from '@trivium/testing';

/** One request over HTTP/2, as far as it has been answered. */
export interface Exchange {
  readonly stream: ClientHttp2Stream;
  readonly status: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  /** Ended, whole or not. */
  readonly ended: boolean;
  readonly resetCode: number | undefined;
  /** When it has ended. */
  done(): Promise<Exchange>;
  /** When this is in what was received. */
  seen(part: string): Promise<void>;
}

export interface Http2Client extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  readonly goneAway: boolean;
  ask(headers: OutgoingHttpHeaders, body?: string): Exchange;
}

/** A connection of Node's own HTTP/2 client to 127.0.0.1; `ca`: the certificate that it trusts. */
export function http2Client(port: number, ca: string): Http2Client {
  const session = connect(`https://127.0.0.1:${port}`, { ca });
  session.on('error', () => undefined);
  let goneAway = false;
  session.on('goaway', () => (goneAway = true));
  return {
    session,
    get goneAway() {
      return goneAway;
    },
    ask(headers, body) {
      const stream = session.request(headers, { endStream: body === undefined && !headers['x-streamed'] });
      let status: number | undefined;
      let answered: Record<string, unknown> = {};
      let text = '';
      let ended = false;
      stream.setEncoding('utf8');
      stream.on('response', (found) => {
        status = found[':status'];
        answered = found;
      });
      stream.on('data', (chunk: string) => (text += chunk));
      stream.on('error', () => undefined);
      stream.once('close', () => (ended = true));
      if (body !== undefined) stream.end(body);
      const exchange: Exchange = {
        stream,
        get status() {
          return status;
        },
        get headers() {
          return answered;
        },
        get text() {
          return text;
        },
        get ended() {
          return ended;
        },
        get resetCode() {
          return stream.rstCode;
        },
        done: () => waitFor(() => ended && exchange, { message: () => `an end after ${text}` }),
        seen: async (part) =>
          void (await waitFor(() => text.includes(part), { message: () => `${part} in ${text}` })),
      };
      return exchange;
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
      await waitFor(() => session.destroyed);
    },
  };
}
