import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { waitFor } from '@trivium/testing';
import { generate, parser, type IConnackPacket, type IConnectPacket, type Packet } from 'mqtt-packet';

type Sent<P> = P extends unknown ? Omit<P, 'length'> : never;

/** MQTT 3.1.1 packet by packet: it acknowledges nothing that it is not told to. */
export interface RawMqtt extends AsyncDisposable {
  readonly socket: Socket;
  /** All packets received, oldest first. */
  readonly packets: readonly Packet[];
  send(packet: Sent<Packet>): void;
  /** The next packet of this kind that was not asked for yet. */
  next<C extends Packet['cmd']>(cmd: C): Promise<Extract<Packet, { cmd: C }>>;
  /** Ends without DISCONNECT. */
  drop(): Promise<void>;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<unknown>;
}

export interface RawSession extends RawMqtt {
  readonly connack: IConnackPacket;
}

export async function openRaw(host: string, port: number): Promise<RawMqtt> {
  const socket = connectTcp(port, host);
  socket.on('error', () => undefined);
  const packets: Packet[] = [];
  const asked = new Set<Packet>();
  const input = parser({ protocolVersion: 4 });
  input.on('packet', (packet) => packets.push(packet));
  socket.on('data', (chunk) => void input.parse(chunk));
  // Not `once`: it rejects when the other side was killed before it had read everything.
  const closed = new Promise((resolve) => void socket.once('close', resolve));
  await once(socket, 'connect');
  const drop = async (): Promise<void> => {
    socket.destroy();
    await closed;
  };
  return {
    socket,
    packets,
    closed,
    send: (packet) => void socket.write(generate(packet as Packet)),
    async next(cmd) {
      const packet = await waitFor(() => packets.find((each) => each.cmd === cmd && !asked.has(each)), {
        timeoutMs: 15_000,
        message: () => `${cmd} among ${JSON.stringify(packets.map((each) => each.cmd))}`,
      });
      asked.add(packet);
      return packet as Extract<Packet, { cmd: typeof cmd }>;
    },
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

/** Connects, with clean session 0 unless it is asked for, and without keep alive; the answer may be a refusal. */
export async function connectRaw(
  host: string,
  port: number,
  clientId: string,
  more: Partial<Omit<IConnectPacket, 'cmd' | 'clientId'>> = {},
): Promise<RawSession> {
  const raw = await openRaw(host, port);
  const protocol = { protocolId: 'MQTT', protocolVersion: 4 } as const;
  raw.send({ cmd: 'connect', ...protocol, clientId, clean: false, keepalive: 0, ...more });
  const connack = await raw.next('connack');
  return Object.assign(raw, { connack });
}

/** Subscribes to one filter; resolves to the QoS granted. */
export async function subscribeRaw(raw: RawMqtt, topic: string, qos: 0 | 1 | 2): Promise<unknown> {
  raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] });
  return (await raw.next('suback')).granted[0];
}
