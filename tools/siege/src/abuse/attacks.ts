import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, publish, subscribe } from '../mqtt/packets.ts';

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
