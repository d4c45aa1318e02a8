export const HELP = `Usage: npm start -- [--scale service=count]…

Runs the hub on this machine: NATS and every service as a process of its own, until Ctrl-C.

  --scale service=count   that many processes of a service, repeatable; process n has its ports 10·n higher
  --help                  this text

Settings come from trivium.yaml (TRIVIUM_CONFIG names another file) and, over it, from the environment:

  TRIVIUM_PORT_OFFSET     added to every default port, so that several hubs fit on one host
  TRIVIUM_MQTT_PORT, TRIVIUM_WS_PORT, TRIVIUM_HTTP_PORT, TRIVIUM_UP_AEDES_PORT       the doors
  TRIVIUM_MQTT_HOST, TRIVIUM_WS_HOST, TRIVIUM_HTTP_HOST                              their addresses
  TRIVIUM_HTTP_TLS_CERT, TRIVIUM_HTTP_TLS_KEY, TRIVIUM_HTTP_TLS_PORT                 HTTPS: PEM files, and its port
  TRIVIUM_ADMIN_PORT      health and metrics of the first service, the others follow it
  TRIVIUM_NATS_URL        a NATS to use; without it one is started
  TRIVIUM_UP_NATS_PORT, TRIVIUM_UP_NATS_MONITOR_PORT                                 its ports
  TRIVIUM_NATS_SERVER     the nats-server to start it from
  TRIVIUM_DATA_DIR        data, logs and the store of NATS; default .trivium
  TRIVIUM_UP_READY_TIMEOUT_MS, TRIVIUM_UP_STOP_TIMEOUT_MS

Exit codes: 0 stopped, 1 could not start (a port is taken, a service did not become ready), 78 wrong settings.
`;
