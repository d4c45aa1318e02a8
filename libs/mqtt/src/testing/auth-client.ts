import { scramClient, waitFor, type ScramClient } from '@trivium/testing';
import { auth, connect, type ConnectFields } from './client-packets.ts';
import type { RawClient, RealDoor } from './real-door.ts';
import { readServerPackets, type ServerPacket } from './server-packets.ts';

export const METHOD = 'SCRAM-SHA-256';

/** A bare client of MQTT 5, packet by packet. */
export interface AuthClient {
  readonly socket: RawClient;
  send(...packets: Buffer[]): void;
  /** The next packet of the door. */
  next(): Promise<ServerPacket>;
  /** Everything that is still to come until the door closes. */
  end(): Promise<ServerPacket[]>;
}

export async function authClient(door: RealDoor): Promise<AuthClient> {
  const socket = await door.socket();
  let taken = 0;
  const answers = (): ServerPacket[] => readServerPackets(Buffer.from(socket.received(), 'hex'), 5).packets;
  return {
    socket,
    send: (...packets) => socket.send(...packets),
    async next() {
      await waitFor(() => answers().length > taken, { message: () => `a packet after ${socket.received()}` });
      return answers()[taken++]!;
    },
    async end() {
      await socket.closed;
      return answers().slice(taken);
    },
  };
}

export interface Login extends Omit<ConnectFields, 'password'> {
  user?: string;
  password?: string;
}

/** CONNECT with SCRAM up to the challenge. */
export async function challenged(
  door: RealDoor,
  { user = 'alice', password = 'pencil', properties, ...fields }: Login,
): Promise<{ client: AuthClient; scram: ScramClient; challenge: ServerPacket }> {
  const client = await authClient(door);
  const scram = scramClient(user, password);
  const named = { ...properties, authMethod: METHOD, authData: scram.first };
  client.send(connect({ level: 5, ...fields, properties: named }));
  return { client, scram, challenge: await client.next() };
}

/** The whole exchange of CONNECT, and the last packet of it. */
export async function login(
  door: RealDoor,
  options: Login,
): Promise<{ client: AuthClient; scram: ScramClient; end: ServerPacket }> {
  const { client, scram, challenge } = await challenged(door, options);
  client.send(authWith(0x18, scram.final(challenge.properties!.authData!)));
  return { client, scram, end: await client.next() };
}

export function authWith(reason: number, authData: Buffer, authMethod = METHOD): Buffer {
  return auth(reason, { authMethod, authData });
}
