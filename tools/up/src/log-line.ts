/** A line of a process's log that a person should see at once. */
export interface Notable {
  level: 'warn' | 'error';
  text: string;
}

const LEVELS: Readonly<Record<string, Notable['level']>> = { warn: 'warn', error: 'error', fatal: 'error' };
const NATS_LINE = /^\[\d+\] \S+ \S+ \[(INF|DBG|TRC|WRN|ERR|FTL)\] (.*)$/;

/**
 * Warnings and errors of the services (JSON lines with the name of the level) and of NATS. Any other line is something that escaped
 * the logs, such as the stack of a crash, and is notable as it stands.
 */
export function notable(line: string): Notable | undefined {
  if (line.trim() === '') return undefined;
  const nats = NATS_LINE.exec(line);
  if (nats !== null) return fromNats(nats[1] ?? '', nats[2] ?? '');
  const record = line.startsWith('{') ? parse(line) : undefined;
  if (record === undefined) return { level: 'error', text: line };
  const level = LEVELS[String(record['level'])];
  return level && { level, text: describe(record) };
}

function fromNats(level: string, text: string): Notable | undefined {
  if (level === 'WRN') return { level: 'warn', text };
  return level === 'ERR' || level === 'FTL' ? { level: 'error', text } : undefined;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function describe(record: Record<string, unknown>): string {
  const message = typeof record['msg'] === 'string' ? record['msg'] : '';
  const error = record['err'];
  const cause =
    typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : undefined;
  return typeof cause === 'string' && cause !== '' && !message.includes(cause)
    ? `${message}: ${cause}`
    : message;
}
