import type { MqttClient } from 'mqtt';
import type { HubAddresses } from '../hub.ts';
import { connectMqtt } from './mqtt-js.ts';
import { openTrivium, type Frame } from './trivium-ws.ts';

/** A device that answers every command with its payload, the bytes in reverse. */
export interface EchoDevice {
  readonly name: string;
  open(hub: HubAddresses, id: string): Promise<AsyncDisposable>;
}

const reversed = (payload: Uint8Array): Buffer => Buffer.from(payload).reverse();

function mqttDevice(name: string, protocolVersion: 4 | 5, url: (hub: HubAddresses) => string): EchoDevice {
  return {
    name,
    async open(hub, clientId) {
      const client = await connectMqtt(url(hub), { protocolVersion, clientId });
      if (protocolVersion === 5) answer5(client);
      else answer311(client);
      return { [Symbol.asyncDispose]: () => client.endAsync() };
    },
  };
}

function answer5(client: MqttClient): void {
  client.on('message', (_topic, payload, { properties = {} }) => {
    const { responseTopic, correlationData, contentType } = properties;
    if (responseTopic === undefined || correlationData === undefined) return;
    const told = { correlationData, ...(contentType === undefined ? {} : { contentType }) };
    client.publish(responseTopic, reversed(payload), { qos: 1, properties: told });
  });
}

function answer311(client: MqttClient): void {
  client.on('message', (topic, payload) => client.publish(`${topic}/reply`, reversed(payload), { qos: 1 }));
}

const triviumDevice: EchoDevice = {
  name: 'trivium.v1',
  async open({ host, ws }, id) {
    const door = await openTrivium(`ws://${host}:${ws}/?clientId=${encodeURIComponent(id)}`);
    door.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.op !== 'cmd') return;
      const { payload = '', payloadBase64, contentType } = frame as Record<string, string | undefined>;
      const bytes = payloadBase64 === undefined ? Buffer.from(payload) : Buffer.from(payloadBase64, 'base64');
      const reply = { op: 'reply', id: frame.id, contentType };
      door.socket.send(JSON.stringify({ ...reply, payloadBase64: reversed(bytes).toString('base64') }));
    });
    return door;
  },
};

/** One for each way in which a device is called. */
export const ECHO_DEVICES: readonly EchoDevice[] = [
  mqttDevice('MQTT 5', 5, ({ host, mqtt }) => `mqtt://${host}:${mqtt}`),
  mqttDevice('MQTT 3.1.1', 4, ({ host, mqtt2 }) => `mqtt://${host}:${mqtt2}`),
  mqttDevice('MQTT 5 over WebSocket', 5, ({ host, ws }) => `ws://${host}:${ws}`),
  mqttDevice('MQTT 3.1.1 over WebSocket', 4, ({ host, ws }) => `ws://${host}:${ws}`),
  triviumDevice,
];
