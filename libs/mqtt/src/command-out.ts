import type { Command } from '@trivium/commands';
import { commandTopic, replyTopic, type ErrorCode, type Properties, type Topic } from '@trivium/contracts';
import type { Delivered } from '@trivium/delivery';
import type { DoorParts } from './door-parts.ts';
import type { Outbox } from './outbox.ts';
import type { SessionClient } from './session.ts';
import type { Subscriber } from './subscriber.ts';

const NOTHING = { done: () => undefined };

/**
 * Sends a command to a client, whether it subscribes or not: in MQTT 5 on `cmd/{device}/{name}` with response topic and correlation data,
 * before on `cmd/{device}/{name}/{id}`. At QoS 1 if its window has room. Else why not.
 */
export function sendCommand(
  parts: DoorParts,
  client: SessionClient,
  subscriber: Subscriber,
  outbox: Outbox,
  command: Command,
): ErrorCode | undefined {
  if (/[+#\0]/.test(client.id)) return 'device.offline'; // no topic can name it
  if (outbox.waiting > parts.config.maxOutputBytes) return 'slow-consumer';
  const frames = client.level === 5 ? parts.frames5 : parts.frames;
  const message = commandMessage(client, command);
  const qos = subscriber.window.full ? 0 : 1;
  const packetId = qos === 0 ? 0 : subscriber.inHand.take(NOTHING);
  frames.single(message, qos, packetId);
  const { buffer, start, end } = frames;
  if (end - start > client.maximumPacketBytes) {
    subscriber.inHand.acknowledge(packetId);
    return 'payload.too-large';
  }
  outbox.append(buffer, start, end);
  parts.stats.commandsOut++;
  return undefined;
}

function commandMessage(client: SessionClient, { id, name, payload, properties }: Command): Delivered {
  const topic = commandTopic(client.id, client.level === 5 ? name : `${name}/${id}`) as Topic;
  const bytes = Buffer.from(topic);
  const own: Properties = {
    ...properties,
    responseTopic: replyTopic(client.id, name, id),
    correlationData: Buffer.from(id),
  };
  return {
    ...{ topic, payload, qos: 1, retain: false, pos: 0, client: undefined, serial: -2, properties: own },
    topicField: Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]),
  };
}
