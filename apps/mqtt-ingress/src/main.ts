import { randomBytes } from 'node:crypto';
import { holdDoorLease } from '@trivium/actors';
import { connectBus } from '@trivium/bus';
import { createDelivery } from '@trivium/delivery';
import { createIdentity } from '@trivium/identity';
import { watchContracts } from '@trivium/message-contracts';
import { busConfig, listen, loadConfig, runService } from '@trivium/service';
import { createLogger, startTelemetry } from '@trivium/telemetry';
import { checkConfig, configSchema } from './config.ts';
import { createTcpDoor } from './engine.ts';
import { publishDoorMetrics } from './metrics.ts';
import { createTcpListener } from './tcp-listener.ts';

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
    const { auth, allowAnonymous } = config;
    const identity = createIdentity({ bus, config: auth, allowAnonymous, logger, service });
    await identity.ready;
    const info = { service };
    const parts = { bus, delivery, contracts, config: mqtt, identity, logger, telemetry, info };
    const door = await createTcpDoor(parts);
    const lease = holdDoorLease({ bus, service, onLost: () => door.closeClients('bus.unavailable') });
    await lease.ready;
    publishDoorMetrics(door.stats, contracts.stats, identity.stats);
    const server = createTcpListener(door);
    const port = await listen(server, { ...mqtt, what: `${service}: MQTT`, setting: 'mqtt.port' });
    logger.info({ address: `mqtt://${mqtt.host}:${port}`, engine: mqtt.engine }, 'listening');
    return {
      readiness: {
        bus: () => bus.up || 'no connection to NATS',
        lease: () => lease.held || 'out of touch with the hub: no lease on its clients',
      },
      stages: {
        stopAccepting() {
          door.stopAccepting();
          server.close();
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
