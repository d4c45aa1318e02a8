import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const FIXTURE = fileURLToPath(new URL('./run-service.fixture.ts', import.meta.url));

type LogLine = Record<string, unknown> & { msg: string };

export interface FixtureProcess extends AsyncDisposable {
  child: ChildProcess;
  logs: LogLine[];
  stderr(): string;
  /** Resolves when a line with this text has been logged. */
  logged(text: string): Promise<LogLine>;
  exit: Promise<number | null>;
  command(line: string): void;
  get(path: string): Promise<Response>;
}

/** The fixture as a process; `ipc` as the launcher starts services, else as a container does. */
export function startFixture(
  mode = 'normal',
  env: Record<string, string> = {},
  { ipc = false } = {},
): FixtureProcess {
  const options = { env: { ...process.env, FIXTURE: mode, ...env }, cwd: '/' };
  const child = ipc
    ? fork(FIXTURE, { ...options, silent: true })
    : spawn(process.execPath, [FIXTURE], options);
  const logs: LogLine[] = [];
  let stderr = '';
  let rest = '';
  let wake = () => undefined as void;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    logs.push(...lines.map((line) => JSON.parse(line) as LogLine));
    wake();
  });
  // Not 'close': a child whose channel the parent has disconnected emits none.
  const outputRead = child.stdout === null ? undefined : once(child.stdout, 'close');
  const exit = once(child, 'exit').then(async ([code]) => {
    await outputRead;
    wake();
    return code as number | null;
  });
  let ended = false;
  void exit.then(() => (ended = true));

  const logged = async (text: string): Promise<LogLine> => {
    for (;;) {
      const line = logs.find(({ msg }) => msg.includes(text));
      if (line !== undefined) return line;
      if (ended) throw new Error(`ended without logging "${text}": ${JSON.stringify(logs)} ${stderr}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return {
    child,
    logs,
    stderr: () => stderr,
    logged,
    exit,
    command: (line) => void child.stdin?.write(`${line}\n`),
    async get(path) {
      const { admin } = await logged('is ready');
      return fetch(`${String(admin)}${path}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
