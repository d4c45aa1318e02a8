/** Sections that `trivium.yaml` may hold for whichever service: one file serves all of them, each checks its own. */
export const FOREIGN_SECTIONS: ReadonlySet<string> = new Set([
  'mqtt',
  'ws',
  'http',
  'router',
  'aedes',
  'delivery',
  'actors',
  'identity',
  'auth',
  'tls',
  'proxy',
  'limits',
  'up',
]);

/** Variables that begin with TRIVIUM_ and are not settings of a service: those of the launcher, the set-up, the tests and `npx trivium`. */
export const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  'TRIVIUM_CONFIG',
  'TRIVIUM_PARENT',
  'TRIVIUM_NATS_SERVER',
  'TRIVIUM_TOKEN',
  'TRIVIUM_PASSWORD',
]);
