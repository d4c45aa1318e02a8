import { authSection } from '@trivium/identity';
import { listenerSections, proxyFaults } from '@trivium/listener';
import { mqttSection } from '@trivium/mqtt';
import { checkListener, serviceSchema } from '@trivium/service';
import { doorTlsSettings, tlsFaults } from '@trivium/tls';
import { Type, type Static } from 'typebox';

const count = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description });

/** `ws`: the WebSocket listener and the limits of `trivium.v1`; those of MQTT over WebSocket are in `mqtt`. Bytes and milliseconds. */
export const wsSection = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      description: 'Address of the WebSocket listener',
    }),
    port: count(8083, 0, 65_535, 'Port of the WebSocket listener; 0 takes a free one'),
    ...doorTlsSettings(8084, 'WebSocket over TLS'),
    origins: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Web pages that may connect, as the origins that browsers send (https://app.example, null); empty: all of them',
    }),
    compress: Type.Boolean({
      default: false,
      description:
        'Messages are compressed (permessage-deflate) for clients that offer it; costs CPU, and memory per client',
    }),
    maxConnections: count(100_000, 1, 10_000_000, 'Connections of one process; more are refused with 503'),
    maxMessageBytes: count(
      1_048_576,
      1_024,
      8_000_000,
      'Largest WebSocket message; a larger one closes with 1009',
    ),
    maxOutputBytes: count(
      1_048_576,
      65_536,
      1_073_741_824,
      'Bytes waiting for one client to read; then live messages are dropped and durable ones wait in the log',
    ),
    maxUnacknowledged: count(
      16_384,
      1,
      1_048_576,
      'Durable messages sent to one client beyond its last ack; then the next ones wait in the log',
    ),
    slowTimeoutMs: count(
      30_000,
      1_000,
      3_600_000,
      'A client that has had no room for this long is closed with 1013',
    ),
    maxOpenPublishes: count(
      1_000,
      1,
      65_535,
      'Messages of one client that wait to be stored; then its socket is not read',
    ),
    maxOpenCalls: count(
      100,
      1,
      65_535,
      'Commands of one client that wait for the reply; more are refused with rate.limited',
    ),
    maxSubscriptions: count(1_000, 1, 1_000_000, 'Topic filters of one client'),
    maxRefusedInARow: count(32, 1, 65_535, 'Refused frames in a row that close a connection with 1008'),
    pingIntervalMs: count(
      30_000,
      1_000,
      3_600_000,
      'A silent client is pinged after this; after twice as long it is gone',
    ),
  },
  { description: 'WebSocket: the listener and the limits of trivium.v1' },
);

export type WsConfig = Static<typeof wsSection>;

/** The settings of this service: the shared ones, `ws`, those of every listener, `mqtt` for the clients that speak it here, and who may connect. */
export const configSchema = serviceSchema(9102, {
  ...{ ws: wsSection, mqtt: mqttSection, auth: authSection },
  ...listenerSections,
});
export type Config = Static<typeof configSchema>;

/** Rules across settings. */
export function checkConfig({ ws, auth, tls, proxy, allowAnonymous }: Config) {
  return [
    checkListener({ setting: 'ws.host', host: ws.host, allowAnonymous, hasAuthentication: auth.required }),
    ...tlsFaults({ section: 'ws', door: ws, tls }),
    ...proxyFaults(proxy),
    ...ws.origins.filter((origin) => !isOrigin(origin)).map(noOrigin),
  ];
}

/** As a browser writes it [RFC6454-6.2]: anything else would never match. `null` is what a page without one sends. */
function isOrigin(text: string): boolean {
  return text === 'null' || (URL.canParse(text) && new URL(text).origin === text);
}

function noOrigin(text: string) {
  return {
    source: 'TRIVIUM_WS_ORIGINS',
    setting: 'ws.origins',
    message: `${JSON.stringify(text)} is no origin as browsers send it: https://app.example, without a path, in lower case`,
  };
}
