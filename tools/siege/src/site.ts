import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, repoRoot, startNats, startProcess, type StartedProcess } from '@trivium/testing';

/** A hub of its own for the siege: NATS, a router, and one process of each door. */
export interface Site extends AsyncDisposable {
  readonly host: string;
  readonly ports: {
    readonly mqtt: number;
    readonly aedes: number;
    readonly ws: number;
    readonly http: number;
  };
  /** What has gone wrong with a process, if anything: it has ended, or its log tells of a defect. */
  problemOf(service: string): string | undefined;
  /** Resident memory, MiB; undefined where the system does not tell. */
  rssOf(service: string): number | undefined;
}

const HOST = '127.0.0.1';

export async function startSite(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<Site> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNats({ mode: 'binary', storeDir: join(dataDir, 'nats') }));
  const [mqtt, aedes, ws, http] = (await freePorts(4)) as [number, number, number, number];
  const admins = await freePorts(5);
  const processes = new Map<string, StartedProcess>();
  const start = async (
    service: string,
    app: string,
    admin: number,
    own: Record<string, string>,
  ): Promise<void> => {
    const started = await startProcess({
      command: process.execPath,
      args: [join('apps', app, 'src', 'main.ts')],
      cwd: repoRoot(),
      env: {
        TRIVIUM_NATS_URL: nats.url,
        TRIVIUM_DATA_DIR: dataDir,
        TRIVIUM_ADMIN_PORT: String(admin),
        TRIVIUM_LOG_LEVEL: 'warn',
        ...env,
        ...own,
      },
      ready: async () => (await fetch(`http://${HOST}:${admin}/readyz`)).ok,
      readyTimeoutMs: 120_000,
      stopTimeoutMs: 30_000,
    });
    processes.set(service, starting.use(started));
  };
  await Promise.all([
    start('mqtt-ingress', 'mqtt-ingress', admins[0]!, { TRIVIUM_MQTT_PORT: String(mqtt) }),
    start('mqtt-ingress-aedes', 'mqtt-ingress', admins[1]!, {
      TRIVIUM_MQTT_PORT: String(aedes),
      TRIVIUM_MQTT_ENGINE: 'aedes',
    }),
    start('ws-ingress', 'ws-ingress', admins[2]!, { TRIVIUM_WS_PORT: String(ws) }),
    start('http-ingress', 'http-ingress', admins[3]!, { TRIVIUM_HTTP_PORT: String(http) }),
    start('router', 'router', admins[4]!, {}),
  ]);
  const running = starting.move();
  return {
    host: HOST,
    ports: { mqtt, aedes, ws, http },
    problemOf(service) {
      const process = processes.get(service)!;
      const exit = process.exit();
      const words = process.output();
      if (exit !== undefined)
        return `${service} ended (${exit.signal ?? exit.code}):\n${words.slice(-2_000)}`;
      const defect = words.split('\n').find((line) => /"level":(50|60|"error"|"fatal")/.test(line));
      return defect && `${service} logged: ${defect.slice(0, 500)}`;
    },
    rssOf: (service) => residentMiB(processes.get(service)!.pid),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function residentMiB(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1_024;
  } catch {
    return undefined;
  }
}
