import { connect as connectTcp, type Socket } from 'node:net';

/** A raw connection to a door on which one asks and listens. */
export interface Line {
  readonly open: boolean;
  write(bytes: Buffer): void;
  /**
   * Resolves when `told` finds in what came since the last call what it waits for (`answered`), the other side has ended the connection
   * (`closed`), or nothing of that happened for `patienceMs` (`silent`).
   */
  heard(told: (bytes: Buffer) => boolean, patienceMs: number): Promise<Fate>;
  /** Without a word, and without leaving a port behind. */
  drop(): void;
}

export type Fate = 'answered' | 'closed' | 'silent';

const NOTHING = Buffer.alloc(0);
const CONNECT_MS = 30_000;

export function openLine(host: string, port: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true });
    const late = setTimeout(() => socket.destroy(new Error(`no connection to ${host}:${port}`)), CONNECT_MS);
    socket.once('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(late);
      resolve(lineOn(socket));
    });
  });
}

function lineOn(socket: Socket): Line {
  let came: Buffer = NOTHING;
  let closed = false;
  let wake: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    came = came.length === 0 ? chunk : Buffer.concat([came, chunk]);
    wake();
  });
  const end = (): void => {
    closed = true;
    socket.destroy();
    wake();
  };
  socket.on('error', end).on('end', end).on('close', end);
  return {
    get open() {
      return !closed;
    },
    write: (bytes) => void (closed || socket.write(bytes)),
    heard(told, patienceMs) {
      return new Promise((resolve) => {
        const settle = (fate: Fate): void => {
          clearTimeout(impatient);
          wake = () => undefined;
          came = NOTHING;
          resolve(fate);
        };
        const impatient = setTimeout(() => settle('silent'), patienceMs);
        wake = () => {
          if (told(came)) settle('answered');
          else if (closed) settle('closed');
        };
        wake();
      });
    },
    drop() {
      if (closed) return;
      closed = true;
      socket.resetAndDestroy();
    },
  };
}
