import { randomBytes } from 'node:crypto';
import { holdDoorLease } from '@trivium/actors';
import { connectBus } from '@trivium/bus';
import { createDelivery } from '@trivium/delivery';
import { createIdentity } from '@trivium/identity';
import { createArrivals } from '@trivium/listener';
import { watchContracts } from '@trivium/message-contracts';
import { busConfig, listen, loadConfig, runService } from '@trivium/service';
import { createLogger, startTelemetry } from '@trivium/telemetry';
import { openDoorTls } from '@trivium/tls';
import { checkConfig, configSchema } from './config.ts';
import { createTcpDoor } from './engine.ts';
import { publishDoorMetrics } from './metrics.ts';
import { createTcpListener, createTlsListener } from './tcp-listener.ts';

const service = 'mqtt-ingress';
const version = '0.1.0';
const instance = randomBytes(6).toString('hex');

const config = loadConfig({ service, schema: configSchema, env: process.env, check: checkConfig });
const logger = createLogger({ service, level: config.log.level, instance });
const telemetry = startTelemetry({ service, version, instance, env: process.env, logger });

await runService({
  name: service,
  version,
  config,
  logger,
  telemetry,
  async start() {
    const { mqtt } = config;
    const bus = await connectBus({ config: busConfig(config, service, 'create'), logger });
    const delivery = createDelivery({ bus, logger });
    const contracts = watchContracts({ bus, logger });
    await contracts.ready;
    const { auth, allowAnonymous, limits } = config;
    const identity = createIdentity({ bus, config: auth, allowAnonymous, logger, service });
    await identity.ready;
    const info = { service };
    const parts = { bus, delivery, contracts, config: mqtt, identity, limits, logger, telemetry, info };
    const door = await createTcpDoor(parts);
    const lease = holdDoorLease({
      ...{ bus, service, authRequired: auth.required },
      onLost: () => door.closeClients('bus.unavailable'),
    });
    await lease.ready;
    const arrivals = createArrivals({ ...config, handshakeTimeoutMs: mqtt.connectTimeoutMs, logger });
    publishDoorMetrics(door.stats, arrivals.stats, contracts.stats, identity.stats);
    const server = createTcpListener(door, mqtt.host);
    arrivals.guard(server);
    const port = await listen(server, { ...mqtt, what: `${service}: MQTT`, setting: 'mqtt.port' });
    logger.info({ address: `mqtt://${mqtt.host}:${port}`, engine: mqtt.engine }, 'listening');
    const tls = openDoorTls({ door: mqtt, tls: config.tls, logger, nowMs: Date.now() });
    const tlsServer = tls && createTlsListener(door, mqtt.host, tls);
    if (tlsServer !== undefined) {
      arrivals.guard(tlsServer, { tls });
      const of = { port: mqtt.tlsPort, what: `${service}: MQTT over TLS`, setting: 'mqtt.tlsPort' };
      const tlsPort = await listen(tlsServer, { ...mqtt, ...of });
      logger.info({ address: `mqtts://${mqtt.host}:${tlsPort}`, engine: mqtt.engine }, 'listening');
    }
    return {
      readiness: {
        bus: () => bus.up || 'no connection to NATS',
        lease: () => lease.held || 'out of touch with the hub: no lease on its clients',
      },
      stages: {
        stopAccepting() {
          door.stopAccepting();
          arrivals.close();
          server.close();
          tlsServer?.close();
        },
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
