import type { Clock } from './clock.ts';
import { decodeFrame, type ErrFrame, type OkFrame, type ServerFrame } from './codec.ts';

/** What is used of a WebSocket, a browser's, Node's or another; the events are those of the standard. */
export interface Socket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type OpenSocket = (url: string, subprotocols: string[]) => Socket;

/** One connection to a hub, from the attempt to its end. */
export interface Connection {
  /** Bytes that have not left yet. */
  readonly waitingBytes: number;
  send(frame: object): void;
  /** Ends it; `onGone` follows, with the code 1000. Idempotent. */
  close(): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** The frame that says who this client is, and is sent before all else; it is asked for when the socket is open. Undefined: none is. */
  readonly proof: (() => Promise<object>) | undefined;
  /** The hub's first word: the connection is there. */
  onHello(hello: OkFrame): void;
  onFrame(frame: ServerFrame): void;
  /** The last call, once. */
  onGone(code: number, reason: string, refusal: ErrFrame | undefined): void;
}

const OPEN = 1;
const SUBPROTOCOL = 'trivium.v1';
/** Asks the hub to wait for the proof, also where it would let in who shows none. */
const PROOF_FOLLOWS = 'trivium.auth';
/** No close frame came [RFC6455-7.1.5]; also what this side says of a hub that does not answer. */
const ABNORMAL = 1006;

export function openConnection(options: ConnectionOptions): Connection {
  const { clock, pingIntervalMs } = options;
  let greeted = false;
  let gone = false;
  let heard = false;
  let asked = false;
  /** What the hub said instead of its first word. */
  let refusal: ErrFrame | undefined;

  const end = (code: number, reason: string): void => {
    if (gone) return;
    gone = true;
    stopWaiting();
    socket.onmessage = null;
    socket.onclose = null;
    // Its close handshake may take as long as it likes: nobody waits for it.
    if (socket.readyState <= OPEN) socket.close();
    options.onGone(code, reason, refusal);
  };

  /** A hub that is silent for an interval is asked, and given up when it is silent for another one. */
  const watch = (): void => {
    if (!heard && asked) return end(ABNORMAL, `nothing was heard for ${2 * pingIntervalMs} ms`);
    asked = !heard;
    if (asked) socket.send('{"op":"ping"}');
    heard = false;
    stopWaiting = clock.after(pingIntervalMs, watch);
  };

  let stopWaiting = clock.after(options.connectTimeoutMs, () =>
    end(ABNORMAL, `no connection within ${options.connectTimeoutMs} ms`),
  );
  const { proof } = options;
  const socket = options.openSocket(
    options.url,
    proof === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, PROOF_FOLLOWS],
  );
  if (proof !== undefined)
    socket.onopen = () =>
      void proof().then(
        (frame) => {
          if (!gone && socket.readyState === OPEN) socket.send(JSON.stringify(frame));
        },
        (error: unknown) => end(ABNORMAL, `there is no token: ${String(error)}`),
      );
  socket.onmessage = ({ data }: { data: unknown }) => {
    heard = true;
    const frame = typeof data === 'string' ? decodeFrame(data) : undefined;
    if (frame === undefined) return;
    if (greeted) return options.onFrame(frame);
    if (frame.op === 'err') refusal = frame;
    if (frame.op !== 'ok') return;
    greeted = true;
    stopWaiting();
    stopWaiting = clock.after(pingIntervalMs, watch);
    options.onHello(frame);
  };
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => end(code, reason);
  // `close` follows and says more.
  socket.onerror = () => undefined;

  return {
    get waitingBytes() {
      return socket.bufferedAmount;
    },
    send(frame) {
      if (socket.readyState === OPEN) socket.send(JSON.stringify(frame));
    },
    close: () => end(1000, 'closed by this client'),
  };
}
