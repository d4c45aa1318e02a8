import type { PublishingDoor, SubscribingDoor } from './clients/client.ts';
import { httpBatchPublisher, httpPublisher, sseSubscriber } from './clients/http.ts';
import { mosquittoPublisher, mosquittoSubscriber } from './clients/mosquitto.ts';
import { mqttJsPublisher, mqttJsSubscriber } from './clients/mqtt-js.ts';
import { pahoPublisher, pahoSubscriber } from './clients/paho.ts';
import { triviumPublisher, triviumSubscriber } from './clients/trivium-ws.ts';
import type { HubAddresses } from './hub.ts';

const tcp = (hub: HubAddresses): string => `mqtt://${hub.host}:${hub.mqtt}`;
const webSocket = (hub: HubAddresses): string => `ws://${hub.host}:${hub.ws}/mqtt`;
const aedes = (hub: HubAddresses): string => `mqtt://${hub.host}:${hub.aedes}`;
const mqtt5 = { protocolVersion: 5 } as const;
const mqtt31 = { protocolVersion: 3, protocolId: 'MQIsdp' } as const;
/** What a stock aedes would have to keep in its own memory it refuses. */
const asAedes = { granted: [0, 1], retainsNot: true } as const;

/** Every way in. A row of the delivery matrix each. */
export const PUBLISHING: readonly PublishingDoor[] = [
  mqttJsPublisher('MQTT.js 5', tcp, mqtt5),
  mqttJsPublisher('MQTT.js 3.1.1', tcp),
  mqttJsPublisher('MQTT.js 3.1', tcp, mqtt31),
  mosquittoPublisher(),
  pahoPublisher(),
  mqttJsPublisher('MQTT over WebSocket', webSocket),
  mqttJsPublisher('MQTT 5 over WebSocket', webSocket, mqtt5),
  triviumPublisher(),
  httpPublisher(),
  httpBatchPublisher(),
  mqttJsPublisher('aedes', aedes, asAedes),
];

/** Every way out. A column each. */
export const SUBSCRIBING: readonly SubscribingDoor[] = [
  mqttJsSubscriber('MQTT.js 5', tcp, mqtt5),
  mqttJsSubscriber('MQTT.js 3.1.1', tcp),
  mqttJsSubscriber('MQTT.js 3.1', tcp, mqtt31),
  mosquittoSubscriber(),
  pahoSubscriber(),
  mqttJsSubscriber('MQTT over WebSocket', webSocket),
  mqttJsSubscriber('MQTT 5 over WebSocket', webSocket, mqtt5),
  triviumSubscriber(),
  sseSubscriber(),
  mqttJsSubscriber('aedes', aedes, asAedes),
];
