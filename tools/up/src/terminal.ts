/** What the launcher says: on standard output, a line per event, prefixed with who it is about. */
export interface Terminal {
  say(line: string): void;
  /** A line of a process's log. More than `LINES_PER_SECOND` of one process are counted instead of shown. */
  fromLog(name: string, level: 'warn' | 'error', text: string): void;
}

const LINES_PER_SECOND = 20;
const WIDTH = 18;

export function createTerminal(write: (text: string) => void, now: () => number): Terminal {
  const windows = new Map<string, { second: number; shown: number; dropped: number }>();
  return {
    say: (line) => write(`${line}\n`),
    fromLog(name, level, text) {
      const second = Math.floor(now() / 1000);
      let window = windows.get(name);
      if (window?.second !== second) {
        if (window && window.dropped > 0)
          write(`${name.padEnd(WIDTH)} … ${window.dropped} more lines in its log\n`);
        window = { second, shown: 0, dropped: 0 };
        windows.set(name, window);
      }
      if (window.shown >= LINES_PER_SECOND) {
        window.dropped += 1;
        return;
      }
      window.shown += 1;
      write(`${name.padEnd(WIDTH)} ${level.padEnd(5)} ${text}\n`);
    },
  };
}
