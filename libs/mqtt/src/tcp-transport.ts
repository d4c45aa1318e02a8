import type { Socket } from 'node:net';
import type { Transport, TransportSink } from './transport.ts';

const NOTHING = Buffer.alloc(0);

/**
 * A TCP or TLS socket as a transport. The server that accepts it has `allowHalfOpen: true`, so that what a client sent before it
 * closed its side is still served.
 */
export function createTcpTransport(socket: Socket): Transport {
  return new TcpTransport(socket);
}

class TcpTransport implements Transport {
  readonly #socket: Socket;
  #drained: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  open(sink: TransportSink): void {
    const socket = this.#socket;
    this.#drained = () => sink.onDrain();
    socket.on('data', (chunk: Buffer) => sink.onData(chunk));
    socket.on('end', () => sink.onEnd());
    socket.on('close', () => sink.onClose());
    socket.on('error', ignore);
  }

  write(chunks: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (chunks.length === 1) socket.write(chunks[0]!);
    else {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
    }
    if (socket.writableLength === 0) return true;
    // Called when everything before it has left, at whatever level of the socket's own buffer.
    socket.write(NOTHING, this.#drained);
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** `close` follows every error and is what counts. */
function ignore(): void {}
