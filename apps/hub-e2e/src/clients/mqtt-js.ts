import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { HubAddresses } from '../hub.ts';
import type { PublishingDoor, Received, SubscribingDoor } from './client.ts';

type Address = (hub: HubAddresses) => string;

const options: IClientOptions = { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 10_000 };

/** Connects with MQTT.js; rejects at the first refusal. */
export function connectMqtt(url: string, more: IClientOptions = {}): Promise<MqttClient> {
  return connectAsync(url, { ...options, ...more }, false);
}

export function mqttJsPublisher(name: string, address: Address, more: IClientOptions = {}): PublishingDoor {
  return {
    name,
    qos: [0, 1],
    async publish(hub, messages) {
      const client = await connectMqtt(address(hub), more);
      for (const { topic, payload, qos } of messages)
        await client.publishAsync(topic, Buffer.from(payload), { qos });
      await client.endAsync();
    },
  };
}

export function mqttJsSubscriber(name: string, address: Address, more: IClientOptions = {}): SubscribingDoor {
  return {
    name,
    qos: [0, 1],
    async subscribe(hub, filter, qos) {
      const client = await connectMqtt(address(hub), more);
      const received: Received[] = [];
      client.on('message', (topic, payload, packet) => received.push({ topic, payload, qos: packet.qos }));
      const [granted] = await client.subscribeAsync(filter, { qos });
      if (granted?.qos !== qos) throw new Error(`${name}: asked for QoS ${qos}, granted ${granted?.qos}`);
      return { received, [Symbol.asyncDispose]: () => client.endAsync() };
    },
  };
}
