import type { Duplex } from 'node:stream';
import type { Transport, TransportSink } from '@trivium/mqtt';
import type { WebSocket } from 'ws';
import { isCompressing } from './compression.ts';

const NOTHING = Buffer.alloc(0);
/** What may wait to be compressed before the client counts as one that does not read. */
const COMPRESSING_BYTES = 65_536;

/**
 * MQTT over WebSocket as a byte stream: packets may begin and end anywhere in a binary message [MQTT3-6.0.0-2], anything that
 * is not binary closes the connection [MQTT3-6.0.0-1]. What is written at once leaves as one binary message.
 * `socket` is the one under `ws`; `closeCode` is asked when the connection is ended from this side.
 */
export function createMqttTransport(ws: WebSocket, socket: Duplex, closeCode: () => number): Transport {
  const compress = isCompressing(ws);
  const binary = { binary: true, compress, fin: true };
  let sink: TransportSink | undefined;
  let unsent = 0;
  let blocked = false;
  const drained = (error?: Error | null): void => {
    if (!error) sink?.onDrain();
  };
  /** One message has been compressed and has left. */
  const sent = (error?: Error | null): void => {
    if (--unsent > 0 || !blocked) return;
    blocked = false;
    drained(error);
  };

  return {
    open(opened) {
      sink = opened;
      ws.on('message', (data: Buffer, isBinary) => {
        if (ws.readyState !== ws.OPEN) return;
        if (isBinary) opened.onData(data);
        else ws.close(1003, 'MQTT packets travel in binary messages');
      });
      ws.on('close', () => opened.onClose());
    },
    write(chunks) {
      const message = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      if (compress) {
        unsent++;
        ws.send(message, binary, sent);
        blocked = ws.bufferedAmount >= COMPRESSING_BYTES;
        return !blocked;
      }
      ws.send(message, binary);
      if (socket.writableLength === 0) return true;
      // Its callback comes when everything before it has left, at whatever level of the socket's own buffer.
      socket.write(NOTHING, drained);
      return false;
    },
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    end() {
      ws.close(closeCode());
      // The client's own close frame has to be read for the handshake to end.
      ws.resume();
    },
    destroy: () => ws.terminate(),
  };
}
