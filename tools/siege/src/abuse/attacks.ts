import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Frames } from '../mqtt/frame.ts';
import { connect, publish, subscribe, unsubscribe } from '../mqtt/packets.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Goes on until the signal; resolves when all that it opened is gone. Says in words what it did. */
export type Attack = (target: Target, signal: AbortSignal) => Promise<string>;

export const ATTACKS = {
  /** Connections that send a byte of a CONNECT, or of the header of a request, now and then. */
  'slow-loris': slowly,
  /** Connections that say nothing. */
  'connect-flood': sayNothing,
  /** Clients that publish as fast as their sockets take it, QoS 0 and 1. */
  'publish-flood': publishAll,
  /** A client that subscribes to 100,000 topics. */
  'subscription-flood': subscribeAll,
  /** Two clients that are let subscribe to 100,000 topics, and come and go with them: one in a new session each time, one in the same. */
  'subscriptions-allowed': comeAndGo,
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

const HALF_OPEN = 5_000;
const SLOW = 1_000;
/** Packet ids come again after as many messages: the door holds fewer. */
const FLOOD_PIECES = 50;
const FLOOD_PIECE = 1_000;
const FLOODERS = 4;
const FILTERS = 100_000;
const FILTERS_AT_ONCE = 1_000;
const LARGE_PACKET = 10_000;
const ANSWER_MS = 60_000;
const SLOW_STEP_MS = 1_000;

async function sayNothing(target: Target, signal: AbortSignal): Promise<string> {
  const all = crowd(target, HALF_OPEN, () => undefined);
  await all.until(signal);
  return `${all.opened()} connections opened, ${all.closed()} of them closed by the door`;
}

async function slowly(target: Target, signal: AbortSignal): Promise<string> {
  const hello = Buffer.concat([
    connect({ clientId: 'slow', will: { topic: 'slow', payload: 'x'.repeat(200), qos: 1 } }),
  ]);
  const request = Buffer.from(
    `GET /v1/stream?filter=slow HTTP/1.1\r\nHost: slow\r\nX-Padding: ${'x'.repeat(500)}`,
  );
  const all = crowd(target, SLOW, (socket, n) => {
    const bytes = n % 2 === 0 ? hello : request;
    let at = 0;
    const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), SLOW_STEP_MS);
    socket.once('close', () => clearInterval(timer));
  });
  await all.until(signal);
  return `${all.opened()} slow connections opened, ${all.closed()} of them closed by the door`;
}

async function publishAll(target: Target, signal: AbortSignal): Promise<string> {
  let sent = 0;
  const payload = Buffer.alloc(64, 0x78);
  const pieces = Array.from({ length: FLOOD_PIECES }, (_, piece) =>
    [0, 1].map((qos) =>
      Buffer.concat(
        Array.from({ length: FLOOD_PIECE }, (_, n) =>
          publish(4, {
            topic: `flood/${n % 10}`,
            payload,
            qos: qos as 0 | 1,
            packetId: 1 + piece * FLOOD_PIECE + n,
          }),
        ),
      ),
    ),
  );
  const floods = crowd(target, FLOODERS, (socket, n) => {
    let piece = 0;
    const pour = (): void => {
      while (!signal.aborted && !socket.destroyed) {
        sent += FLOOD_PIECE;
        if (!socket.write(pieces[piece++ % FLOOD_PIECES]![n % 2]!)) return;
      }
    };
    socket.write(connect({ clientId: `flood-${n}` }));
    socket.on('drain', pour);
    pour();
  });
  await floods.until(signal);
  return `${sent} messages written, ${floods.closed()} connections closed by the door`;
}

async function subscribeAll(target: Target, signal: AbortSignal): Promise<string> {
  const socket = open(target);
  let closed = false;
  let answers = 0;
  socket.on('data', (chunk: Buffer) => (answers += chunk.length));
  socket.once('close', () => (closed = true));
  socket.write(connect({ clientId: 'subscriber' }));
  let asked = 0;
  while (asked < FILTERS && !closed && !signal.aborted) {
    const filters = Array.from({ length: FILTERS_AT_ONCE }, (_, n) => `many/${asked + n}/+/x`);
    asked += FILTERS_AT_ONCE;
    if (!socket.write(subscribe(4, 1 + asked / FILTERS_AT_ONCE, filters, 1)))
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), sleep(1_000)]);
  }
  await untilAborted(signal);
  socket.destroy();
  return `${asked} filters asked for, ${answers} bytes of answers${closed ? ', closed by the door' : ''}`;
}

async function comeAndGo(target: Target, signal: AbortSignal): Promise<string> {
  const did = { visits: 0, granted: 0, refused: 0, ended: 0 };
  const visit = async (clean: boolean): Promise<void> => {
    const socket = open(target);
    const answers = answersOf(socket);
    socket.write(connect({ clientId: clean ? 'visitor' : 'guest', clean }));
    await answers.next(signal);
    for (let asked = 0; asked < FILTERS && !signal.aborted;) {
      const more = asked === 0 ? LARGE_PACKET : FILTERS_AT_ONCE;
      const filters = Array.from({ length: more }, (_, n) => `many/${asked + n}/+/x`);
      asked += more;
      socket.write(subscribe(4, 1, filters, 1));
      const codes = (await answers.next(signal))?.subarray(2); // after the packet id
      if (codes === undefined) break;
      for (const code of codes) did[code < 0x80 ? 'granted' : 'refused']++;
      if (!clean && codes.at(-1)! >= 0x80) break;
    }
    socket.write(unsubscribe(4, 2, ['many/0/+/x']));
    if ((await answers.next(signal)) !== undefined) did.ended++;
    did.visits++;
    socket.destroy();
  };
  const visits = async (clean: boolean): Promise<void> => {
    while (!signal.aborted) await visit(clean);
  };
  await Promise.all([visits(true), visits(false)]);
  return `${did.visits} visits (${did.ended} to their end), ${did.granted} filters granted, ${did.refused} refused`;
}

/** The bodies of the packets that a door sends, one after the other; undefined: it sends no more. */
function answersOf(socket: Socket) {
  const frames = new Frames();
  let wake = (): void => undefined;
  socket.on('data', (chunk: Buffer) => {
    frames.feed(chunk);
    wake();
  });
  socket.once('close', () => wake());
  return {
    async next(signal: AbortSignal): Promise<Buffer | undefined> {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      for (;;) {
        const frame = frames.next();
        if (frame !== undefined) return frame.body;
        if (socket.destroyed || patience.aborted) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          patience.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
  };
}

/** Connections that are opened anew when the door closes them. */
function crowd(target: Target, size: number, use: (socket: Socket, n: number) => void) {
  const sockets = new Set<Socket>();
  let opened = 0;
  let closed = 0;
  let over = false;
  const add = (n: number): void => {
    const socket = open(target);
    sockets.add(socket);
    socket.once('connect', () => {
      opened++;
      use(socket, n);
    });
    socket.on('data', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      if (over) return;
      closed++;
      setTimeout(() => over || add(n), 1_000).unref();
    });
  };
  return {
    opened: () => opened,
    closed: () => closed,
    async until(signal: AbortSignal): Promise<void> {
      for (let n = 0; n < size && !signal.aborted; n++) {
        add(n);
        if (n % 100 === 99) await sleep(10);
      }
      await untilAborted(signal);
      over = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function open({ host, port }: Target): Socket {
  return connectTcp({ host, port }).on('error', () => undefined);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
