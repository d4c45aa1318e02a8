import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The address of the container engine that answers (`unix:///…` or `tcp://host:port`), or `undefined`:
 * `DOCKER_HOST` when it is set, else the usual sockets.
 */
export async function containerEngine(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  const configured = env['DOCKER_HOST'];
  const candidates = configured ? [configured] : usualSockets(env);
  for (const address of candidates) {
    if (await answers(address)) return address;
  }
  return undefined;
}

function usualSockets(env: Readonly<Record<string, string | undefined>>): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ].map((path) => `unix://${path}`);
}

function answers(address: string): Promise<boolean> {
  const target = targetOf(address);
  if (target === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.on('close', () => resolve(false));
    ping.end();
  });
}

function targetOf(address: string): { socketPath: string } | { host: string; port: number } | undefined {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length) };
  const match = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(address);
  return match?.[1] && match[2] ? { host: match[1], port: Number(match[2]) } : undefined;
}
