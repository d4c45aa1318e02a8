import type { Clock } from './clock.ts';
import type { OpenSocket, Socket } from './connection.ts';

type Frame = Record<string, unknown> & { op: string; id?: number };

/** The hub's end of one connection, moved by the test. */
export interface FakeSocket extends Socket {
  readonly url: string;
  readonly subprotocols: readonly string[];
  /** Frames that the client has sent, oldest first. */
  readonly sent: Frame[];
  bufferedAmount: number;
  closedByClient: boolean;
  /** The WebSocket is there. */
  open(): void;
  /** The hub takes the connection and speaks first. */
  hello(pos?: number, clientId?: string): void;
  say(frame: object): void;
  drop(code?: number, reason?: string): void;
  /** The last frame sent with this `op`. */
  last(op: string): Frame;
}

/** Sockets as the client opens them, and a clock that the test turns. */
export function fakePlatform() {
  const sockets: FakeSocket[] = [];
  let nowMs = 0;
  let timers: { atMs: number; run: () => void }[] = [];

  const clock: Clock = {
    now: () => nowMs,
    after(ms, run) {
      const timer = { atMs: nowMs + ms, run };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
  };

  const openSocket: OpenSocket = (url, subprotocols) => {
    const sent: Frame[] = [];
    const socket: FakeSocket = {
      url,
      subprotocols,
      sent,
      readyState: 0,
      bufferedAmount: 0,
      closedByClient: false,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => void sent.push(JSON.parse(text) as Frame),
      close() {
        this.closedByClient = true;
        state(3);
      },
      open() {
        state(1);
        (this.onopen as ((event: object) => void) | null)?.({});
      },
      hello(pos = 0, clientId = 'ws-1') {
        state(1);
        this.say({ op: 'ok', clientId, pos });
      },
      say(frame) {
        (this.onmessage as ((event: object) => void) | null)?.({ data: JSON.stringify(frame) });
      },
      drop(code = 1006, reason = '') {
        state(3);
        (this.onclose as ((event: object) => void) | null)?.({ code, reason });
      },
      last(op) {
        const found = sent.findLast((frame) => frame.op === op);
        if (found === undefined) throw new Error(`no ${op} among ${JSON.stringify(sent)}`);
        return found;
      },
    };
    const state = (value: number): void => void Object.assign(socket, { readyState: value });
    sockets.push(socket);
    return socket;
  };

  return {
    clock,
    openSocket,
    sockets,
    get socket() {
      return sockets.at(-1)!;
    },
    /** Turns the clock, running what is due in its order. */
    advance(ms: number) {
      const end = nowMs + ms;
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        nowMs = next.atMs;
        next.run();
      }
      nowMs = end;
    },
    get timers() {
      return timers.length;
    },
  };
}

/** Lets promises that are settled already be seen. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
