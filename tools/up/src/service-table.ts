import type { NatsUser } from '@trivium/nats-access';

/** One port of a service: what it serves, its usual number, and where the number is set. */
export interface PortSpec {
  purpose: string;
  /** Name of the setting that the service itself reads: `mqtt.port` is `TRIVIUM_MQTT_PORT`. */
  variable: string;
  /** The same of its port for TLS. */
  tlsVariable: string;
  /** Over TLS one with an s. */
  scheme: string;
}

/** A service of the hub as the launcher knows it. */
export interface ServiceSpec {
  name: string;
  /** The file that Node runs, from the root of the checkout. */
  main: string;
  port?: PortSpec;
  /** Whose key it shows to the NATS of this hub. */
  natsUser: NatsUser;
  /** Environment beside ports and addresses. */
  env?: Readonly<Record<string, string>>;
  /** Those with the higher number are stopped first. */
  stopRank: number;
}

const doorOf = (purpose: string, scheme: string): PortSpec => ({
  ...{ purpose, scheme },
  variable: `TRIVIUM_${scheme.toUpperCase()}_PORT`,
  tlsVariable: `TRIVIUM_${scheme.toUpperCase()}_TLS_PORT`,
});

const MQTT = doorOf('MQTT', 'mqtt');

/** What `npm start` runs beside NATS, in the order in which it is shown. Admin ports are counted in this order. */
export const SERVICES: readonly ServiceSpec[] = [
  {
    name: 'mqtt-ingress',
    main: 'apps/mqtt-ingress/src/main.ts',
    port: MQTT,
    natsUser: 'mqtt-ingress',
    stopRank: 2,
  },
  {
    name: 'ws-ingress',
    main: 'apps/ws-ingress/src/main.ts',
    port: doorOf('WebSocket', 'ws'),
    natsUser: 'ws-ingress',
    stopRank: 2,
  },
  {
    name: 'http-ingress',
    main: 'apps/http-ingress/src/main.ts',
    port: doorOf('HTTP', 'http'),
    natsUser: 'http-ingress',
    stopRank: 2,
  },
  { name: 'router', main: 'apps/router/src/main.ts', natsUser: 'router', stopRank: 1 },
  {
    name: 'mqtt-ingress-aedes',
    main: 'apps/mqtt-ingress/src/main.ts',
    port: MQTT,
    env: { TRIVIUM_MQTT_ENGINE: 'aedes' },
    natsUser: 'mqtt-ingress',
    stopRank: 2,
  },
];

export const NATS = 'nats-server';
