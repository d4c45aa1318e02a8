import { once } from 'node:events';
import { connect, connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import type { HubAddresses } from '../hub.ts';
import type { PublishingDoor, Received, SubscribingDoor, TestProperties, TestQoS } from './client.ts';
import type { SessionClient } from './session-client.ts';

type Address = (hub: HubAddresses) => string;

const options: IClientOptions = { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 10_000 };
const EVERY_QOS: readonly TestQoS[] = [0, 1, 2];

/** What is special about a door or its protocol. */
export interface MqttJsOptions extends IClientOptions {
  granted?: readonly TestQoS[];
  /** No retained messages, neither way. */
  retainsNot?: true;
}

/** Connects with MQTT.js; rejects at the first refusal. */
export function connectMqtt(url: string, more: IClientOptions = {}): Promise<MqttClient> {
  return connectAsync(url, { ...options, ...more }, false);
}

export function mqttJsPublisher(name: string, address: Address, more: MqttJsOptions = {}): PublishingDoor {
  const { granted = EVERY_QOS, retainsNot, ...own } = more;
  return {
    name,
    qos: granted,
    ...(own.protocolVersion === 5 ? { saysNo: 'acknowledged' as const } : {}),
    ...(own.protocolVersion === 5 ? { carriesProperties: true as const } : {}),
    ...(retainsNot === undefined ? {} : { retainsNot }),
    async publish(hub, messages) {
      const client = await connectMqtt(address(hub), own);
      for (const { topic, payload, qos, retain = false, properties } of messages)
        await client.publishAsync(topic, Buffer.from(payload), {
          ...{ qos, retain },
          ...(properties === undefined ? {} : { properties: toMqtt5(properties) }),
        });
      await client.endAsync();
    },
  };
}

export function mqttJsSubscriber(name: string, address: Address, more: MqttJsOptions = {}): SubscribingDoor {
  const { granted: offered = EVERY_QOS, retainsNot, ...own } = more;
  return {
    name,
    qos: offered,
    ...(own.protocolVersion === 5 ? { tellsProperties: true as const } : {}),
    ...(retainsNot === undefined ? {} : { retainedNot: retainsNot }),
    async subscribe(hub, filter, qos) {
      const client = await connectMqtt(address(hub), own);
      const received = receivedBy(client);
      const [granted] = await client.subscribeAsync(filter, { qos });
      if (granted?.qos !== qos) throw new Error(`${name}: asked for QoS ${qos}, granted ${granted?.qos}`);
      return { received, [Symbol.asyncDispose]: () => client.endAsync() };
    },
  };
}

/** It subscribes only when the hub has no session for it: what comes without that comes of the session. */
export function mqttJsSession(scheme: 'mqtt' | 'ws' = 'mqtt'): SessionClient {
  return {
    name: scheme === 'mqtt' ? 'MQTT.js' : 'MQTT.js over WebSocket',
    async open({ host, port, id, filter, qos, login }) {
      const own = { ...login, clientId: id, clean: false };
      const client = connect(`${scheme}://${host}:${port}`, { ...options, ...own });
      // Before the first packet: the session's messages may come with the CONNACK.
      const received = receivedBy(client);
      const present = await new Promise<boolean>((resolve, reject) => {
        client.once('connect', ({ sessionPresent }) => resolve(sessionPresent));
        client.once('error', reject);
      });
      client.on('error', () => undefined);
      if (!present) await client.subscribeAsync(filter, { qos });
      return {
        present,
        received,
        leave: () => client.endAsync(),
        async drop() {
          const closed = once(client.stream, 'close');
          client.stream.destroy();
          await closed;
        },
      };
    },
  };
}

function receivedBy(client: MqttClient): Received[] {
  const received: Received[] = [];
  client.on('message', (topic, payload, { qos, retain, properties }) =>
    received.push({
      ...{ topic, payload, qos, retain },
      ...(properties === undefined ? {} : { properties: fromMqtt5(properties) }),
    }),
  );
  return received;
}

type Mqtt5Properties = NonNullable<IPublishPacket['properties']>;

function toMqtt5({ userProperties, correlationData, ...same }: TestProperties): Mqtt5Properties {
  return {
    ...same,
    correlationData: Buffer.from(correlationData, 'base64'),
    userProperties: Object.fromEntries(userProperties),
  };
}

function fromMqtt5(properties: Mqtt5Properties): Partial<TestProperties> {
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: correlationData.toString('base64') }),
    ...(userProperties === undefined
      ? {}
      : { userProperties: Object.entries(userProperties).map(([name, value]) => [name, String(value)]) }),
  };
}
