/** What differs between one server and the next. */
export interface NatsConfigValues {
  host: string;
  port: number;
  monitorPort: number;
  storeDir: string;
}

/** The text of a nats-server configuration with the settings that the hub needs. `extra` lines go last. */
export function natsConfig(values: NatsConfigValues, extra = ''): string {
  return `server_name: trivium-test
listen: "${values.host}:${values.port}"
http: "${values.host}:${values.monitorPort}"
max_control_line: 524288
max_payload: 8MB
max_pending: 16MB
write_deadline: "2s"
no_fast_producer_stall: true
jetstream {
  store_dir: ${JSON.stringify(values.storeDir)}
  sync_interval: "1s"
}
${extra}
`;
}
