import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One HTTP/1.1 connection that sends a command, waits for the answer, and sends the next. */
export interface Caller {
  /** Resolves to status and body. */
  call(device: string, body: string): Promise<{ status: number; body: string }>;
  close(): void;
}

/** By hand: a general client would cost more than what it measures. */
export async function openCaller(host: string, port: number): Promise<Caller> {
  const socket: Socket = connect(port, host);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  let text = '';
  let answer: ((given: { status: number; body: string }) => void) | undefined;
  let broken: ((error: Error) => void) | undefined;
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    if (head === -1) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < head + 4 + length) return;
    const given = { status: Number(text.slice(9, 12)), body: text.slice(head + 4, head + 4 + length) };
    text = text.slice(head + 4 + length);
    answer?.(given);
  });
  socket.on('error', (error) => broken?.(error));
  socket.on('close', () => broken?.(new Error('the HTTP door closed the connection')));
  return {
    call: (device, body) =>
      new Promise((resolve, reject) => {
        answer = resolve;
        broken = reject;
        socket.write(
          `POST /v1/devices/${device}/commands/echo?timeout=20s HTTP/1.1\r\nhost: hub\r\n` +
            `content-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
      }),
    close() {
      broken = undefined;
      socket.destroy();
    },
  };
}
