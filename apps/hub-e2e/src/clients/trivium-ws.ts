import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { PublishingDoor, Received, SubscribingDoor, TestProperties } from './client.ts';

export type Frame = Record<string, unknown> & { op: string; id?: number | string };

/** A `trivium.v1` connection that has heard the server's first frame. Frames that answer nothing are in `pushed`. */
export interface TriviumSocket extends AsyncDisposable {
  readonly socket: WebSocket;
  readonly hello: Frame;
  readonly pushed: Frame[];
  /** Sends a frame with an id of its own and resolves with the answer, `ok` or `err`. */
  ask(frame: Record<string, unknown>): Promise<Frame>;
}

export async function openTrivium(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TriviumSocket> {
  const socket = new WebSocket(url, 'trivium.v1', { headers });
  const pushed: Frame[] = [];
  const waiting = new Map<unknown, (frame: Frame) => void>();
  let ids = 0;
  let greeted: (frame: Frame) => void = () => {};
  const hello = new Promise<Frame>((resolve, reject) => {
    greeted = resolve;
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
  });
  let first = true;
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    if (first) {
      first = false;
      greeted(frame);
      return;
    }
    const answer = waiting.get(frame.id);
    if (answer === undefined) {
      pushed.push(frame);
      return;
    }
    waiting.delete(frame.id);
    answer(frame);
  });
  return {
    socket,
    hello: await hello,
    pushed,
    ask(frame) {
      const id = ++ids;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ ...frame, id }));
      });
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close();
      await once(socket, 'close');
    },
  };
}

export function triviumPublisher(): PublishingDoor {
  return {
    name: 'trivium.v1',
    qos: [0, 1],
    saysNo: 'always',
    carriesProperties: true,
    async publish(hub, messages) {
      await using door = await openTrivium(`ws://${hub.host}:${hub.ws}/`);
      for (const { topic, payload, qos, retain = false, properties } of messages) {
        const payloadBase64 = Buffer.from(payload).toString('base64');
        const { contentType, ...others } = properties ?? {};
        const own = contentType === undefined ? {} : { contentType, properties: others };
        const answer = await door.ask({ op: 'pub', topic, payloadBase64, qos, retain, ...own });
        if (answer.op !== 'ok') throw new Error(`refused: ${JSON.stringify(answer)}`);
        if (qos === 1 && typeof answer['pos'] !== 'number')
          throw new Error('acknowledged without a position');
      }
    },
  };
}

export function triviumSubscriber(): SubscribingDoor {
  return {
    name: 'trivium.v1',
    qos: [0, 1],
    tellsProperties: true,
    async subscribe(hub, filter, qos) {
      const door = await openTrivium(`ws://${hub.host}:${hub.ws}/`);
      const answer = await door.ask({ op: 'sub', filters: [{ filter, qos }] });
      if (answer.op !== 'ok' || (answer['granted'] as number[])[0] !== qos)
        throw new Error(`not granted: ${JSON.stringify(answer)}`);
      return {
        get received() {
          return door.pushed.filter((frame) => frame.op === 'msg').map(received);
        },
        [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
      };
    },
  };
}

/** The `msg` object, as WebSocket and Server-Sent Events carry it. */
export function received(message: Record<string, unknown>): Received {
  const { topic, payload, payloadBase64, qos, retain, contentType, properties } = message as Record<
    string,
    string
  > & {
    qos: number;
    retain: boolean;
    properties?: Partial<TestProperties>;
  };
  const told = { ...properties, ...(contentType === undefined ? {} : { contentType }) };
  return {
    ...(Object.keys(told).length === 0 ? {} : { properties: told }),
    topic: topic!,
    payload: payloadBase64 === undefined ? jsonPayload(payload) : Buffer.from(payloadBase64, 'base64'),
    qos,
    retain,
  };
}

function jsonPayload(payload: unknown): Uint8Array {
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
}
