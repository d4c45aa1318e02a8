import { randomBytes } from 'node:crypto';
import { holdDoorLease } from '@trivium/actors';
import { connectBus } from '@trivium/bus';
import { createDelivery } from '@trivium/delivery';
import { createAudit, createIdentity, IDENTITY_METRICS } from '@trivium/identity';
import { createArrivals, LISTENER_METRICS } from '@trivium/listener';
import { CONTRACT_METRICS, watchContracts } from '@trivium/message-contracts';
import { busConfig, listen, loadConfig, runService } from '@trivium/service';
import { createLogger, startTelemetry } from '@trivium/telemetry';
import { openDoorTls } from '@trivium/tls';
import { checkConfig, configSchema } from './config.ts';
import { describedSite } from './described-site.ts';
import { createHttpDoor } from './door.ts';
import { publishNumbers } from './metrics.ts';
import { HTTP_METRICS } from './stats.ts';

const service = 'http-ingress';
const version = '0.1.0';
const instance = randomBytes(6).toString('hex');

const config = loadConfig({ service, schema: configSchema, env: process.env, check: checkConfig });
const logger = createLogger({ service, level: config.log.level, instance });
const telemetry = startTelemetry({ service, version, instance, env: process.env, logger });
const tracing = telemetry.messageTracing('http');

await runService({
  name: service,
  version,
  config,
  logger,
  telemetry,
  async start() {
    const { http } = config;
    const bus = await connectBus({ config: busConfig(config, service, 'create'), logger });
    const delivery = createDelivery({ bus, logger });
    const contracts = watchContracts({ bus, logger });
    const { auth, allowAnonymous, limits } = config;
    const identity = createIdentity({ bus, config: auth, allowAnonymous, logger, service });
    await Promise.all([contracts.ready, identity.ready]);
    const audit = createAudit({ bus, service });
    const tls = openDoorTls({ door: http, tls: config.tls, logger, nowMs: Date.now() });
    const arrivals = createArrivals({ ...config, handshakeTimeoutMs: http.headersTimeoutMs, logger });
    const parts = {
      ...{ bus, delivery, contracts, identity, audit, arrivals, tls },
      ...{ tracing, logger, service, version, site: describedSite(config) },
    };
    const door = await createHttpDoor({ ...parts, config: http, limits });
    // Devices that ask for their commands here are online as long as this process is.
    const lease = holdDoorLease({ bus, service, authRequired: auth.required, onLost: () => undefined });
    await lease.ready;
    publishNumbers('trivium.http', door.stats, HTTP_METRICS);
    publishNumbers('trivium.identity', identity.stats, IDENTITY_METRICS);
    publishNumbers('trivium.listener', arrivals.stats, LISTENER_METRICS);
    publishNumbers('trivium.contracts', contracts.stats, CONTRACT_METRICS);
    const port = await listen(door.server, { ...http, what: `${service}: HTTP`, setting: 'http.port' });
    logger.info({ address: `http://${http.host}:${port}` }, 'listening');
    if (door.tlsServer !== undefined) {
      const of = { host: http.host, port: http.tlsPort, what: `${service}: HTTPS`, setting: 'http.tlsPort' };
      const tlsPort = await listen(door.tlsServer, of);
      logger.info({ address: `https://${http.host}:${tlsPort}` }, 'listening');
    }
    return {
      readiness: { bus: () => bus.up || 'no connection to NATS' },
      stages: {
        stopAccepting: () => door.stopAccepting(),
        closeClients: (context) => door.drain(context),
        async drainBus() {
          contracts.close();
          identity.close();
          delivery.close();
          await lease.release();
          await bus.close();
        },
      },
    };
  },
});
