import { randomBytes } from 'node:crypto';
import { connectBus } from '@trivium/bus';
import { busConfig, loadConfig, runService } from '@trivium/service';
import { createLogger, startTelemetry } from '@trivium/telemetry';
import { configSchema } from './config.ts';
import { publishRouterMetrics } from './metrics.ts';
import { createRouter } from './router.ts';

const service = 'router';
const version = '0.1.0';
const instance = randomBytes(6).toString('hex');

const config = loadConfig({ service, schema: configSchema, env: process.env });
const logger = createLogger({ service, level: config.log.level, instance });
const telemetry = startTelemetry({ service, version, instance, env: process.env, logger });

await runService({
  name: service,
  version,
  config,
  logger,
  telemetry,
  async start() {
    const bus = await connectBus({ config: busConfig(config, service), logger });
    const router = createRouter({ bus, config: config.router, logger });
    publishRouterMetrics(router);
    return {
      readiness: {
        bus: () => bus.up || 'no connection to NATS',
        placement: () => router.actors.running || 'not announced among the routers yet',
      },
      stages: {
        finishInFlight: () => router.close(),
        drainBus: () => bus.close(),
      },
    };
  },
});
