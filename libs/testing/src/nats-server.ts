import { containerEngine } from './container-engine.ts';
import { freePort } from './free-port.ts';
import { findNatsBinary } from './nats-binary.ts';
import { natsContainer } from './nats-container.ts';
import { natsProcess } from './nats-process.ts';

export type NatsMode = 'binary' | 'container';

export interface NatsOptions {
  /** Default: `TRIVIUM_TEST_NATS` (`binary` or `container`), else the binary when there is one, else a container. */
  mode?: NatsMode;
  /** Default: a free one. */
  port?: number;
  /** Default: a free one. */
  monitorPort?: number;
  /** An existing folder to keep the store in (binary mode only). Default: a temporary one, removed at the end. */
  storeDir?: string;
  /** Lines of nats-server configuration, after those that the hub needs. */
  extraConfig?: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly mode: NatsMode;
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** `http://127.0.0.1:<port>`, with `/varz`, `/connz`, `/jsz`, `/healthz`. */
  readonly monitorUrl: string;
  readonly monitorPort: number;
  /** Where JetStream stores; in container mode a path inside the container. */
  readonly storeDir: string;
  /** `undefined` in container mode and after the server has ended. */
  pid(): number | undefined;
  /** What the server has printed since it was last started. */
  log(): Promise<string>;
  /** SIGKILL; resolves when the server is gone. */
  kill(): Promise<void>;
  /** Starts again with the same ports and store, after a `kill`, or a graceful end if it is still running. */
  restart(): Promise<void>;
  /** Ends the server and removes what was temporary. Idempotent; also what disposal does. */
  stop(): Promise<void>;
}

export interface NatsSettings {
  port: number;
  monitorPort: number;
  storeDir?: string | undefined;
  extraConfig?: string | undefined;
  ready: () => Promise<boolean>;
}

/** One way to run a server; `start` may be called again after `kill` or `stop`. */
export interface NatsBackend {
  readonly storeDir: string;
  pid(): number | undefined;
  start(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  log(): Promise<string>;
  remove(): Promise<void>;
}

/** Starts a nats-server with JetStream on 127.0.0.1 and resolves when it is healthy. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const mode = options.mode ?? (await defaultMode(process.env));
  const port = options.port ?? (await freePort());
  const monitorPort = options.monitorPort ?? (await freePort());
  const monitorUrl = `http://127.0.0.1:${monitorPort}`;
  const settings: NatsSettings = {
    port,
    monitorPort,
    storeDir: options.storeDir,
    extraConfig: options.extraConfig,
    ready: async () => (await fetch(`${monitorUrl}/healthz`)).ok,
  };
  const backend =
    mode === 'container' ? await natsContainer(settings) : await natsProcess(await binary(), settings);
  const stop = async () => {
    await backend.stop();
    await backend.remove();
  };
  try {
    await backend.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    mode,
    url: `nats://127.0.0.1:${port}`,
    port,
    monitorUrl,
    monitorPort,
    storeDir: backend.storeDir,
    pid: backend.pid,
    log: backend.log,
    kill: backend.kill,
    restart: async () => {
      await backend.stop();
      await backend.start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function binary(): Promise<string> {
  const found = await findNatsBinary();
  if (found !== undefined) return found;
  throw new Error(
    'no nats-server 2.15 or newer: run "npm run setup", put one on PATH, or set TRIVIUM_NATS_SERVER to its path',
  );
}

async function defaultMode(env: Readonly<Record<string, string | undefined>>): Promise<NatsMode> {
  const wanted = env['TRIVIUM_TEST_NATS'];
  if (wanted === 'binary' || wanted === 'container') return wanted;
  if (wanted) throw new Error(`TRIVIUM_TEST_NATS is "${wanted}": it is "binary" or "container"`);
  if ((await findNatsBinary()) !== undefined) return 'binary';
  return (await containerEngine()) === undefined ? 'binary' : 'container';
}
