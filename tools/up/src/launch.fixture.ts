// The launcher as `main.ts` runs it, with fakes in the place of the services.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { up } from './up.ts';
import type { ServiceSpec } from './service-table.ts';

const SRC = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(dirname(dirname(SRC)));

const fake = (name: string, stopRank: number, env: Record<string, string> = {}): ServiceSpec => ({
  name,
  main: 'tools/up/src/fake-service.fixture.ts',
  natsUser: 'admin',
  env: { FAKE_NAME: name, ...env },
  stopRank,
});

const services: ServiceSpec[] = [
  {
    ...fake('door-a', 2, { FAKE_DOOR: '1' }),
    port: {
      ...{ purpose: 'HTTP', scheme: 'http' },
      ...{ variable: 'TRIVIUM_HTTP_PORT', tlsVariable: 'TRIVIUM_HTTP_TLS_PORT' },
    },
  },
  fake('door-b', 2, JSON.parse(process.env['FAKE_B'] ?? '{}')),
  fake('core', 1),
];

process.exitCode = await up({
  root: ROOT,
  args: process.argv.slice(2),
  env: process.env,
  file: undefined,
  write: (text) => void process.stdout.write(text),
  services,
  firstKey: () => Promise.resolve(process.env['FAKE_FIRST_KEY']),
});
process.exit();
