import { connect } from 'node:net';
import { createPacketReader, type PacketHandler } from './packet-reader.ts';
import { DISCONNECT_PACKET } from './packets.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface LinkHandlers {
  packet: PacketHandler;
  /** The other side ended the connection, or sent what is no MQTT. Never after `destroy`. */
  closed(why: string): void;
  /** The other side ended the connection after `disconnect`, which is when it has taken DISCONNECT. */
  disconnected(): void;
}

/** One TCP connection. */
export interface Link {
  write(bytes: Buffer): void;
  /** DISCONNECT, then waits for the other side to close. */
  disconnect(): void;
  /** At once, without a word: as a program that ends (`fin`), or a device that loses its power (`reset`). */
  destroy(how: 'fin' | 'reset'): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
}

export function openLink({ host, port }: Address, handlers: LinkHandlers): Link {
  let state: 'open' | 'disconnecting' | 'closed' = 'open';
  const socket = connect({ host, port, noDelay: true });
  const closed = (why: string): void => {
    if (state === 'closed') return;
    state = 'closed';
    socket.destroy();
    handlers.closed(why);
  };
  const read = createPacketReader((first, body) => {
    if (state === 'open') handlers.packet(first, body);
  });
  socket.on('data', (chunk) => {
    if (state !== 'open') return;
    // What one chunk asks for is answered in one write.
    socket.cork();
    try {
      read(chunk);
    } catch (error) {
      closed((error as Error).message);
    } finally {
      socket.uncork();
    }
  });
  // A reset is no answer to DISCONNECT: who resets may never have read it.
  socket.on('end', () => {
    if (state !== 'disconnecting') return;
    state = 'closed';
    handlers.disconnected();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => closed(error.code ?? error.message));
  socket.on('close', () => closed('end of stream'));
  return {
    write: (bytes) => {
      if (state === 'open') socket.write(bytes);
    },
    disconnect: () => {
      if (state !== 'open') return;
      state = 'disconnecting';
      socket.end(DISCONNECT_PACKET);
      socket.resume();
    },
    destroy: (how) => {
      state = 'closed';
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}
