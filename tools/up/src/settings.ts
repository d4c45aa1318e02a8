import { readConfig, type ConfigSource } from '@trivium/service';
import { Type, type Static } from 'typebox';

const port = (number: number, description: string) =>
  Type.Integer({ default: number, minimum: 1, maximum: 65_535, description });
const certificate = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, description: `${description}; with one there is TLS` }));
const host = (description: string) => Type.String({ default: '127.0.0.1', minLength: 1, description });

/** The settings of the services that the launcher needs too, and under `up` its own. */
export const settingsSchema = Type.Object({
  dataDir: Type.Optional(
    Type.String({ minLength: 1, description: 'Where the hub keeps data, logs and its NATS' }),
  ),
  portOffset: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 50_000,
    description: 'Added to every default port',
  }),
  auth: Type.Object({
    required: Type.Boolean({ default: false, description: 'Nobody gets in anonymously' }),
  }),
  nats: Type.Object({
    url: Type.String({ default: '', description: 'A NATS to use; empty: one is started' }),
  }),
  tls: Type.Object({
    cert: Type.String({ default: '', description: 'The certificate of every door; empty: no TLS' }),
  }),
  mqtt: Type.Object({
    host: host('Address of the MQTT door'),
    port: port(1883, 'Port of the MQTT door'),
    tlsPort: port(8883, 'Port of the same over TLS'),
    tlsCert: certificate('Its own certificate'),
  }),
  ws: Type.Object({
    host: host('Address of the WebSocket door'),
    port: port(8083, 'Port of the WebSocket door'),
    tlsPort: port(8084, 'Port of the same over TLS'),
    tlsCert: certificate('Its own certificate'),
  }),
  http: Type.Object({
    host: host('Address of the HTTP door'),
    port: port(8080, 'Port of the HTTP door'),
    tlsPort: port(8443, 'Port of its HTTPS'),
    tlsCert: certificate('Its own certificate'),
  }),
  admin: Type.Object({
    host: host('Address of health and metrics'),
    port: port(9101, 'Port of health and metrics of the first service; the others follow it'),
  }),
  up: Type.Object({
    natsPort: port(4222, 'Port of the NATS that the launcher starts'),
    natsMonitorPort: port(8222, 'Port of its health and statistics'),
    aedesPort: port(1884, 'Port of the MQTT door with the aedes engine'),
    aedesTlsPort: port(8884, 'Port of the same over TLS'),
    readyTimeoutMs: Type.Integer({ default: 60_000, minimum: 1, description: 'How long the start may take' }),
    stopTimeoutMs: Type.Integer({
      default: 20_000,
      minimum: 1,
      description: 'How long a process may take to drain before it is killed',
    }),
  }),
});

export type Settings = Static<typeof settingsSchema>;

/**
 * The launcher's part of the settings: defaults, over them `trivium.yaml`, over that TRIVIUM_ variables. What else is
 * set is for the services, which check it when they start.
 * @throws ConfigError with every fault
 */
export function readSettings(
  env: ConfigSource<typeof settingsSchema>['env'],
  file?: { name: string; text: string },
): Settings {
  return readConfig({ service: 'npm start', schema: settingsSchema, env, file, partial: true });
}
