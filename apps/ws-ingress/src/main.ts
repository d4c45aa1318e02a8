import { randomBytes } from 'node:crypto';
import { holdDoorLease } from '@trivium/actors';
import { connectBus } from '@trivium/bus';
import { createCommandCaller, createCommandDesk } from '@trivium/commands';
import { createDelivery } from '@trivium/delivery';
import { createAudit, createIdentity, IDENTITY_METRICS } from '@trivium/identity';
import { createArrivals, LISTENER_METRICS } from '@trivium/listener';
import { CONTRACT_METRICS, watchContracts } from '@trivium/message-contracts';
import { createMqttDoor, DOOR_METRICS } from '@trivium/mqtt';
import { busConfig, listen, loadConfig, runService } from '@trivium/service';
import { createLogger, startTelemetry } from '@trivium/telemetry';
import { openDoorTls } from '@trivium/tls';
import { checkConfig, configSchema } from './config.ts';
import { createWsDoor } from './door.ts';
import { publishNumbers } from './metrics.ts';
import { WS_METRICS } from './stats.ts';
import { HANDSHAKE_TIMEOUT_MS } from './upgrade-server.ts';

const service = 'ws-ingress';
const version = '0.1.0';
const instance = randomBytes(6).toString('hex');

const config = loadConfig({ service, schema: configSchema, env: process.env, check: checkConfig });
const logger = createLogger({ service, level: config.log.level, instance });
const telemetry = startTelemetry({ service, version, instance, env: process.env, logger });
const tracing = telemetry.messageTracing('ws');

await runService({
  name: service,
  version,
  config,
  logger,
  telemetry,
  async start() {
    const bus = await connectBus({ config: busConfig(config, service, 'create'), logger });
    const delivery = createDelivery({ bus, logger });
    const contracts = watchContracts({ bus, logger });
    const { auth, allowAnonymous, limits } = config;
    const identity = createIdentity({ bus, config: auth, allowAnonymous, logger, service });
    await Promise.all([contracts.ready, identity.ready]);
    const audit = createAudit({ bus, service });
    const info = { service };
    const desk = createCommandDesk(bus);
    const caller = createCommandCaller(bus);
    const parts = { bus, delivery, contracts, identity, desk, caller, logger, tracing };
    const mqtt = createMqttDoor({ ...parts, config: config.mqtt, limits, info });
    const { maxClientIdBytes, maxTopicBytes, maxTopicLevels } = config.mqtt;
    const tls = openDoorTls({ door: config.ws, tls: config.tls, logger, nowMs: Date.now() });
    const arrivals = createArrivals({ ...config, handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS, logger });
    const door = createWsDoor({
      ...parts,
      arrivals,
      tls,
      mqtt,
      audit,
      config: config.ws,
      limits,
      topics: { maxTopicBytes, maxTopicLevels },
      maxClientIdBytes,
      service,
      mayServe: () => lease.held,
    });
    const lease = holdDoorLease({
      ...{ bus, service, authRequired: auth.required },
      onLost: () => door.closeClients('bus.unavailable'),
    });
    await lease.ready;
    publishNumbers('trivium.ws', door.stats, WS_METRICS);
    publishNumbers('trivium.mqtt', mqtt.stats, DOOR_METRICS);
    publishNumbers('trivium.identity', identity.stats, IDENTITY_METRICS);
    publishNumbers('trivium.listener', arrivals.stats, LISTENER_METRICS);
    publishNumbers('trivium.contracts', contracts.stats, CONTRACT_METRICS);
    const address = { ...config.ws, what: `${service}: WebSocket`, setting: 'ws.port' };
    const port = await listen(door.server, address);
    logger.info({ address: `ws://${config.ws.host}:${port}` }, 'listening');
    if (door.tlsServer !== undefined) {
      const of = { port: config.ws.tlsPort, what: `${service}: WebSocket over TLS`, setting: 'ws.tlsPort' };
      const tlsPort = await listen(door.tlsServer, { ...config.ws, ...of });
      logger.info({ address: `wss://${config.ws.host}:${tlsPort}` }, 'listening');
    }
    return {
      readiness: {
        bus: () => bus.up || 'no connection to NATS',
        lease: () => lease.held || 'out of touch with the hub: no lease on its clients',
      },
      stages: {
        stopAccepting: () => door.stopAccepting(),
        closeClients: (context) => door.drain(context),
        async drainBus() {
          contracts.close();
          identity.close();
          delivery.close();
          desk.close();
          caller.close();
          await lease.release();
          await bus.close();
        },
      },
    };
  },
});
