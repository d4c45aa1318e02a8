import { readHubFile } from './hub-file.ts';
import { hubPlace } from './hub-place.ts';
import { hubSettings } from './hub-settings.ts';

const SERVICES = { http: 'http-ingress', mqtt: 'mqtt-ingress' } as const;

/** Where the hub on this machine has a door: as `npm start` wrote it down, else as it is set. */
export function ownDoor(
  kind: keyof typeof SERVICES,
  env: NodeJS.ProcessEnv,
  over: 'plain' | 'tls' = 'plain',
): URL {
  const settings = hubSettings(env);
  const running = readHubFile(hubPlace(settings.dataDir).dataDir)?.processes;
  const its = running?.find(({ name }) => name === SERVICES[kind]);
  const { host, port, tlsPort } = settings[kind];
  return over === 'tls'
    ? new URL(its?.tlsAddress ?? `${kind}s://${reachable(host)}:${tlsPort}`)
    : new URL(its?.address ?? `${kind}://${reachable(host)}:${port}`);
}

/** An address that listens everywhere is reached from here by loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
