import { followLog, type LogReader } from './log-file.ts';
import { notable } from './log-line.ts';
import type { Terminal } from './terminal.ts';

const LOOK_EVERY_MS = 250;

/** Shows the warnings and errors of all logs on the terminal as they are written. */
export interface LogWatch extends Disposable {
  add(name: string, file: string): void;
  /** Shows what has been written up to now. */
  flush(): void;
}

export function watchLogs(terminal: Terminal): LogWatch {
  const readers = new Map<string, LogReader>();
  const flush = (): void => {
    for (const [name, reader] of readers) {
      for (const line of reader.read()) {
        const found = notable(line);
        if (found !== undefined) terminal.fromLog(name, found.level, found.text);
      }
    }
  };
  const timer = setInterval(flush, LOOK_EVERY_MS);
  return {
    add: (name, file) => void readers.set(name, followLog(file)),
    flush,
    [Symbol.dispose]() {
      clearInterval(timer);
      flush();
      for (const reader of readers.values()) reader[Symbol.dispose]();
      readers.clear();
    },
  };
}
