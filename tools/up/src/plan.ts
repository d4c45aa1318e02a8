import { join, resolve } from 'node:path';
import { keyFile } from '@trivium/nats-access';
import type { Command } from './child.ts';
import { natsCommand, type OwnNats } from './nats-command.ts';
import type { Listener } from './port-check.ts';
import { NATS, type ServiceSpec } from './service-table.ts';
import type { Settings } from './settings.ts';

/** A process that the hub consists of. */
export interface Process {
  /** Unique: `mqtt-ingress`, the second one `mqtt-ingress-1`. */
  name: string;
  command: Command;
  listeners: readonly Listener[];
  /** Answers 200 when the process is ready. */
  readyUrl: string;
  stopRank: number;
  /** Where clients reach it. */
  address?: string;
  /** The same over TLS. */
  tlsAddress?: string;
}

/** Everything that is to run, worked out before anything is started. */
export interface Plan {
  dataDir: string;
  natsUrl: string;
  /** The hub runs a NATS of its own, which lets in nobody but the services. */
  ownNats: boolean;
  /** First NATS, unless it is somebody else's, then the services. */
  processes: readonly Process[];
}

export interface PlanOptions {
  root: string;
  /** Node's executable for the services. */
  node: string;
  natsServer: string;
  env: Readonly<Record<string, string | undefined>>;
  settings: Settings;
  scale: ReadonlyMap<string, number>;
  services: readonly ServiceSpec[];
}

/** Ports of the process n of a service are higher than those of the first by n times this. */
const SCALE_STEP = 10;

/** The processes of a hub, with every port, address and variable. */
export function planHub(options: PlanOptions): Plan {
  const { root, settings, scale, services, env } = options;
  const { portOffset } = settings;
  // Hubs of one checkout that differ by their offset do not share data.
  const dataDir = resolve(
    root,
    settings.dataDir ?? (portOffset === 0 ? '.trivium' : `.trivium/offset-${portOffset}`),
  );
  const nats: OwnNats = {
    host: '127.0.0.1',
    port: settings.up.natsPort,
    monitorPort: settings.up.natsMonitorPort,
  };
  const ownNats = settings.nats.url === '';
  const natsUrl = settings.nats.url || `nats://${nats.host}:${nats.port}`;
  const common = { ...withoutLauncherSettings(env), TRIVIUM_NATS_URL: natsUrl, TRIVIUM_DATA_DIR: dataDir };

  const processes = services.flatMap((service, index) =>
    Array.from({ length: scale.get(service.name) ?? 1 }, (_, n) => serviceProcess(service, index, n)),
  );
  if (ownNats) processes.unshift(natsProcess(nats));
  return { dataDir, natsUrl, ownNats, processes };

  function natsProcess({ host, port, monitorPort }: OwnNats): Process {
    const on = (purpose: string, number: number, variable: string): Listener => ({
      ...{ service: NATS, purpose, host, port: number },
      setting: `${variable} (or use the one that runs there: TRIVIUM_NATS_URL)`,
    });
    return {
      name: NATS,
      command: natsCommand(nats, { root, dataDir, server: options.natsServer, logFile: logFile(NATS) }),
      listeners: [
        on('clients', port, 'TRIVIUM_UP_NATS_PORT'),
        on('monitoring', monitorPort, 'TRIVIUM_UP_NATS_MONITOR_PORT'),
      ],
      readyUrl: `http://${host}:${monitorPort}/healthz`,
      stopRank: 0,
    };
  }

  function serviceProcess(service: ServiceSpec, index: number, n: number): Process {
    const name = n === 0 ? service.name : `${service.name}-${n}`;
    const admin: Listener = {
      ...{ service: name, purpose: 'health and metrics', host: settings.admin.host },
      port: settings.admin.port + index + n * SCALE_STEP,
      setting: 'TRIVIUM_ADMIN_PORT (the first of all of them)',
    };
    const door = doorOf(service, name, n);
    const tls = tlsOf(service, name, n);
    return {
      name,
      command: {
        command: options.node,
        args: [join(root, service.main)],
        cwd: root,
        env: {
          // What Node made of the sources, for the next start: half of what a service takes for it.
          NODE_COMPILE_CACHE: join(dataDir, 'compile-cache'),
          ...common,
          ...service.env,
          ...(ownNats && { TRIVIUM_NATS_NKEY_FILE: keyFile(dataDir, service.natsUser) }),
          ...(service.port && door && { [service.port.variable]: String(door.port) }),
          ...(service.port && tls && { [service.port.tlsVariable]: String(tls.port) }),
          TRIVIUM_ADMIN_PORT: String(admin.port),
          TRIVIUM_PARENT: 'ipc',
        },
        logFile: logFile(name),
        tether: 'ipc',
      },
      listeners: [door, tls, admin].filter((one) => one !== undefined),
      readyUrl: `http://${reachable(admin.host)}:${admin.port}/readyz`,
      stopRank: service.stopRank,
      ...(service.port &&
        door && { address: `${service.port.scheme}://${reachable(door.host)}:${door.port}` }),
      ...(service.port &&
        tls && { tlsAddress: `${service.port.scheme}s://${reachable(tls.host)}:${tls.port}` }),
    };
  }

  function doorOf({ port, env: own }: ServiceSpec, name: string, n: number): Listener | undefined {
    if (port === undefined) return undefined;
    const aedes = own?.['TRIVIUM_MQTT_ENGINE'] === 'aedes';
    const section = port.scheme as 'mqtt' | 'ws' | 'http';
    return {
      ...{ service: name, purpose: port.purpose, host: settings[section].host },
      port: (aedes ? settings.up.aedesPort : settings[section].port) + n * SCALE_STEP,
      setting: aedes ? 'TRIVIUM_UP_AEDES_PORT' : port.variable,
    };
  }

  function tlsOf({ port, env: own }: ServiceSpec, name: string, n: number): Listener | undefined {
    if (port === undefined) return undefined;
    const aedes = own?.['TRIVIUM_MQTT_ENGINE'] === 'aedes';
    const { host, tlsPort, tlsCert = settings.tls.cert } = settings[port.scheme as 'mqtt' | 'ws' | 'http'];
    if (tlsCert === '') return undefined;
    return {
      ...{ service: name, purpose: `${port.purpose} over TLS`, host },
      port: (aedes ? settings.up.aedesTlsPort : tlsPort) + n * SCALE_STEP,
      setting: aedes ? 'TRIVIUM_UP_AEDES_TLS_PORT' : port.tlsVariable,
    };
  }

  function logFile(name: string): string {
    return join(dataDir, 'logs', `${name}.log`);
  }
}

/** An address that listens everywhere is reached from here by loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

const withoutLauncherSettings = (env: PlanOptions['env']) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TRIVIUM_UP_')));
