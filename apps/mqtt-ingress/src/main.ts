import { randomBytes } from 'node:crypto';
import { connectBus } from '@trivium/bus';
import { createDelivery } from '@trivium/delivery';
import { createMqttDoor } from '@trivium/mqtt';
import { busConfig, listen, loadConfig, runService } from '@trivium/service';
import { createLogger, startTelemetry } from '@trivium/telemetry';
import { checkConfig, configSchema } from './config.ts';
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
    const bus = await connectBus({ config: busConfig(config, service), logger });
    const delivery = createDelivery({ bus, logger });
    const tracing = telemetry.messageTracing(mqtt.engine === 'aedes' ? 'aedes' : 'mqtt');
    const door = createMqttDoor({ bus, delivery, config: mqtt, logger, tracing, info: { service } });
    const server = createTcpListener(door);
    const port = await listen(server, { ...mqtt, what: `${service}: MQTT`, setting: 'mqtt.port' });
    publishDoorMetrics(door.stats);
    logger.info({ address: `mqtt://${mqtt.host}:${port}` }, 'listening');
    return {
      readiness: { bus: () => bus.up || 'no connection to NATS' },
      stages: {
        stopAccepting() {
          door.stopAccepting();
          server.close();
        },
        closeClients: (context) => door.drain(context),
        drainBus: () => {
          delivery.close();
          return bus.close();
        },
      },
    };
  },
});
