import { connect } from 'node:tls';

const HEADERS = 1;
const DATA = 0;
const RST_STREAM = 3;
const SETTINGS = 4;
const END_HEADERS = 4;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without indexing [RFC7541-6.2.2]; each name and value of at most 126 bytes. */
const fields = (all: Record<string, string>): Buffer =>
  Buffer.concat(
    Object.entries(all)
      .flat()
      .map((text, i) => Buffer.from([...(i % 2 === 0 ? [0] : []), text.length, ...Buffer.from(text)])),
  );

/**
 * A request over HTTP/2 whose body begins with `part` and is reset instead of ended, which Node's client cannot do: it ends what it resets.
 * `begun`: resolves when the hub has the part. Resolves when all is sent; the connection is closed by `close`.
 */
export async function resetRequest(
  { port, ca, code }: { port: number; ca: string; code: number },
  headers: Record<string, string>,
  part: string,
  begun: () => Promise<unknown>,
): Promise<{ close(): void }> {
  const socket = connect({ port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  const pseudo = { ':method': 'POST', ':scheme': 'https', ':authority': 'localhost' };
  socket.write(frame(HEADERS, END_HEADERS, 1, fields({ ...pseudo, ...headers })));
  socket.write(frame(DATA, 0, 1, Buffer.from(part)));
  await begun();
  const reason = Buffer.alloc(4);
  reason.writeUInt32BE(code);
  socket.write(frame(RST_STREAM, 0, 1, reason));
  return { close: () => void socket.destroy() };
}
