import type { Socket } from 'node:net';
import type { Bus, Logger } from '@trivium/bus';
import { systemClock } from '@trivium/clock';
import type { ErrorCode } from '@trivium/contracts';
import type { Delivery } from '@trivium/delivery';
import type { Identity } from '@trivium/identity';
import type { LimitsConfig } from '@trivium/limits';
import type { MessageContracts } from '@trivium/message-contracts';
import {
  createMqttDoor,
  createTcpTransport,
  createWillJudge,
  type DoorStats,
  type MqttConfig,
  type Peer,
} from '@trivium/mqtt';
import { createSessionOwners } from '@trivium/sessions';
import type { Telemetry } from '@trivium/telemetry';

export interface EngineParts {
  bus: Bus;
  delivery: Delivery;
  contracts: MessageContracts;
  config: MqttConfig;
  identity: Identity;
  limits: LimitsConfig;
  logger: Logger;
  telemetry: Pick<Telemetry, 'messageTracing'>;
  info: { service: string };
}

/** A door for MQTT over TCP, whoever speaks MQTT in it. */
export interface TcpDoor {
  accept(socket: Socket, peer: Peer): void;
  /** aedes counts less, and its caught faults. */
  readonly stats: Readonly<Partial<DoorStats> & { caughtFaults?: number }>;
  stopAccepting(): void;
  closeClients(reason: ErrorCode): void;
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}

/** The door that `mqtt.engine` names. aedes is loaded only when it is asked for. */
export function createTcpDoor(parts: EngineParts): Promise<TcpDoor> | TcpDoor {
  return parts.config.engine === 'aedes' ? aedesDoor(parts) : triviumDoor(parts);
}

function triviumDoor({ telemetry, ...parts }: EngineParts): TcpDoor {
  const door = createMqttDoor({ ...parts, tracing: telemetry.messageTracing('mqtt') });
  return {
    accept: (socket, peer) => door.accept(createTcpTransport(socket), peer),
    stats: door.stats,
    stopAccepting: () => door.stopAccepting(),
    closeClients: (reason) => door.closeClients(reason),
    drain: (context) => door.drain(context),
  };
}

async function aedesDoor({ telemetry, ...parts }: EngineParts): Promise<TcpDoor> {
  const { createAedesDoor } = await import('@trivium/mqtt-aedes');
  const { sessionTtlSeconds: cleanTtlSeconds, takeoverTimeoutMs, cursorIntervalMs } = parts.config;
  const clock = systemClock;
  const owners = createSessionOwners({
    ...parts,
    clock,
    cleanTtlSeconds,
    takeoverTimeoutMs,
    cursorIntervalMs,
    mayLeave: createWillJudge(parts.identity),
  });
  const door = await createAedesDoor({
    ...parts,
    owners: {
      take: (client, principal, owner) =>
        owners.take({ client, principal, fresh: true, expirySeconds: 0 }, owner),
      leave: (_client, owner) => owners.leave(owner, { will: false }),
      find: (client) => owners.find(client),
    },
    tracing: telemetry.messageTracing('aedes'),
  });
  return {
    accept: (socket, peer) => door.accept(socket, peer),
    stats: door.stats,
    stopAccepting: () => door.stopAccepting(),
    closeClients: (reason) => door.closeClients(reason),
    async drain(context) {
      await door.drain(context);
      await owners.settled();
      owners.close();
    },
  };
}
