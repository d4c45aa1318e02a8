import { waitFor } from '@trivium/testing';
import type { IClientOptions, IPublishPacket } from 'mqtt';
import type { PacketProperties } from '../codec/properties.ts';
import { connect, PINGREQ } from './client-packets.ts';
import type { RawClient, RealDoor, TestClient } from './real-door.ts';

/** An MQTT.js client of version 5 and what it got, packet by packet. */
export interface Mqtt5Client extends TestClient {
  readonly packets: IPublishPacket[];
}

export async function mqtt5Client(door: RealDoor, options: IClientOptions = {}): Promise<Mqtt5Client> {
  const made = await door.client({ protocolVersion: 5, ...options });
  const packets: IPublishPacket[] = [];
  made.mqtt.on('message', (_topic, _payload, one) => packets.push(one));
  return { ...made, packets };
}

export interface RawMqtt5Client extends RawClient {
  /** What was received after CONNACK, as hex. */
  rest(): string;
}

/** A bare client of version 5 with its CONNACK. */
export async function rawMqtt5(
  door: RealDoor,
  clientId: string,
  properties?: PacketProperties,
  clean = true,
): Promise<RawMqtt5Client> {
  const socket = await door.socket();
  socket.send(connect({ level: 5, clientId, clean, properties }));
  await waitFor(() => socket.received().length > 4);
  const connack = socket.received().length;
  return Object.assign(socket, { rest: () => socket.received().slice(connack) });
}

export async function arrivedPackets(packets: readonly unknown[], count: number): Promise<void> {
  await waitFor(() => packets.length >= count, {
    message: () => `${count} packets, there are ${packets.length}`,
  });
}

/** Everything that a client gets until its PINGREQ is answered. */
export async function answers(socket: RawMqtt5Client, ...sent: Buffer[]): Promise<string> {
  const before = socket.rest().length;
  socket.send(...sent, PINGREQ);
  await waitFor(() => socket.rest().slice(before).endsWith('d000'), { message: () => socket.rest() });
  return socket.rest().slice(before, -4);
}

/** Everything that a client gets until the door closes its connection. */
export async function ends(socket: RawMqtt5Client, ...sent: Buffer[]): Promise<string> {
  socket.send(...sent);
  await socket.closed;
  return socket.rest();
}
