import { createLogger, startTelemetry } from '@trivium/telemetry';
import { loadConfig } from './config.ts';
import { runService, type ServiceParts } from './run-service.ts';
import { serviceSchema } from './sections.ts';

/** A service for the tests of `runService`, run as a process of its own: FIXTURE says how it misbehaves. */
const name = 'fixture';
const mode = process.env['FIXTURE'];
const config = loadConfig({ service: name, schema: serviceSchema(0, {}), env: process.env });
const logger = createLogger({ service: name, level: config.log.level, instance: 'i1' });
const telemetry = startTelemetry({
  service: name,
  version: '0.1.0',
  instance: 'i1',
  env: process.env,
  logger,
});

const never = () => new Promise<never>(() => undefined);
const tick = setInterval(() => undefined, 1_000);
let busUp = true;

const parts: ServiceParts = {
  readiness: { bus: () => busUp || 'no connection to NATS' },
  stages: {
    stopAccepting: () => {
      clearInterval(tick);
      if (mode === 'stage fails') throw new Error('cannot stop accepting');
    },
    closeClients: () => (mode === 'stage hangs' ? never() : undefined),
    finishInFlight: ({ signal }) =>
      mode === 'stage waits for cancel'
        ? new Promise((resolve) => signal.addEventListener('abort', resolve))
        : undefined,
    drainBus: () => logger.info('bus drained'),
  },
};

const lines: Record<string, () => void> = {
  'bus down': () => (busUp = false),
  'bus up': () => (busUp = true),
  throw: () => {
    throw new Error('a bug');
  },
  reject: () => void Promise.reject(new Error('a forgotten promise')),
};
process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const line of String(text).split('\n')) lines[line]?.();
});
process.stdin.unref();

await runService({
  name,
  version: '0.1.0',
  config,
  logger,
  telemetry,
  start: async ({ signal }) => {
    logger.info('starting');
    if (mode === 'start hangs') await never();
    if (mode === 'start gives up') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw new Error('told to stop');
    }
    if (mode === 'start fails') throw new TypeError('a bug in start');
    if (mode === 'bus unreachable') {
      throw Object.assign(new Error('NATS does not answer at nats://127.0.0.1:4222'), {
        code: 'bus.unavailable',
        category: 'retryable',
      });
    }
    return parts;
  },
});
