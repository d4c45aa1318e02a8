import type { Socket } from 'node:net';
import { readProxyHeader, type ProxyHeader } from './proxy-header.ts';

export type TakenHeader = Exclude<ProxyHeader, { kind: 'more' }>;

/**
 * Reads the header that a connection begins with; what follows it stays in the socket, which is as it was before. `taken` is called once at most:
 * not when the socket closes before. A time limit is the caller's.
 */
export function takeProxyHeader(socket: Socket, taken: (header: TakenHeader) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const header = readProxyHeader(bytes);
    if (header.kind === 'more') return;
    finish(header);
  };
  const ended = (): void => finish({ kind: 'malformed', reason: 'it ended before a PROXY header' });
  const finish = (header: TakenHeader): void => {
    socket.off('readable', read);
    socket.off('end', ended);
    if (header.kind === 'header' && bytes.length > header.length)
      socket.unshift(bytes.subarray(header.length));
    // The socket leaves the mode of `readable` in the next tick; only then does it flow for whoever listens.
    process.nextTick(taken, header);
  };
  socket.on('readable', read);
  socket.on('end', ended);
}
