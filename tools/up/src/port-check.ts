import { createServer } from 'node:net';

/** A port that a process of the hub will listen on. */
export interface Listener {
  /** The process, as it is named everywhere. */
  service: string;
  /** What it serves there, `MQTT`, `health and metrics`. */
  purpose: string;
  host: string;
  port: number;
  /** What to set to have it elsewhere. */
  setting: string;
}

/** Ports that two processes of this hub would both take: a fault of the settings. */
export function conflicts(listeners: readonly Listener[]): string[] {
  const seen = new Map<number, Listener>();
  const found: string[] = [];
  for (const listener of listeners) {
    const other = listener.port === 0 ? undefined : seen.get(listener.port);
    if (other === undefined) seen.set(listener.port, listener);
    else
      found.push(
        `${describe(other)} and ${describe(listener)} would both use ${listener.port}; set ${listener.setting}`,
      );
  }
  return found;
}

/** A line for every port that cannot be listened on now. */
export async function takenPorts(listeners: readonly Listener[]): Promise<string[]> {
  const results = await Promise.all(
    listeners.map(async (listener) => ({ listener, code: await tryListen(listener) })),
  );
  return results.flatMap(({ listener, code }) => {
    if (code === undefined) return [];
    const where = `${listener.host}:${listener.port}`;
    const what =
      code === 'EADDRINUSE' ? `port ${listener.port} is taken` : `cannot listen on ${where} (${code})`;
    return [`${describe(listener)}: ${what}; stop what uses it, or set ${listener.setting}`];
  });
}

const describe = ({ service, purpose }: Listener) => `${service} (${purpose})`;

/** The code of the error that listening there gives, undefined when it works. */
function tryListen({ host, port }: Listener): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
