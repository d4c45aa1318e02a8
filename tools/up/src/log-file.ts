import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';

const KEPT = 3;

/** Starts a log anew; the ones before stay as `<file>.1` (the latest) to `<file>.3`. */
export function rotate(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  for (let n = KEPT; n >= 1; n -= 1) {
    const from = n === 1 ? file : `${file}.${n - 1}`;
    if (existsSync(from)) renameSync(from, `${file}.${n}`);
  }
}

/** Reads what is appended to a log, in whole lines. */
export interface LogReader extends Disposable {
  /** The lines completed since the last call. */
  read(): string[];
}

const CHUNK = 64 * 1024;

/**
 * Follows a log that another process writes. The writer holds the file itself, so its log goes on when the reader
 * is gone.
 */
export function followLog(file: string): LogReader {
  const fd = openSync(file, 'a+');
  const chunk = Buffer.alloc(CHUNK);
  let at = fstatSync(fd).size;
  let rest = '';
  return {
    read() {
      for (;;) {
        const length = readSync(fd, chunk, 0, CHUNK, at);
        if (length === 0) break;
        at += length;
        rest += chunk.toString('latin1', 0, length);
      }
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      return lines.map((line) => Buffer.from(line, 'latin1').toString('utf8'));
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}
