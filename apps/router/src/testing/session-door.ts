import { holdDoorLease } from '@trivium/actors';
import { connectBus, type Bus, type Logger } from '@trivium/bus';
import type { SessionRecord, WillMessage } from '@trivium/contracts';
import { createSessionStore } from '@trivium/sessions';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A door as routers see it: a lease, and records of sessions. */
export interface SessionDoor extends AsyncDisposable {
  readonly name: string;
  /** Writes the record of a client that is connected here. */
  connects(client: string, fields?: Partial<SessionRecord>): Promise<number>;
  /** Says nothing more: the lease runs out. */
  dies(): Promise<void>;
}

export function will(topic: string, fields: Partial<WillMessage> = {}): WillMessage {
  return { topic, payload: Buffer.from('gone').toString('base64'), qos: 1, retain: false, ...fields };
}

export function sessionRecord(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    v: 1,
    epoch: 1,
    connectedAt: Date.now(),
    principal: 'anonymous',
    clean: false,
    pos: 0,
    subscriptions: [],
    open: [],
    exactlyOnce: false,
    ...fields,
  };
}

/** `ttlMs` of its lease: so long after its death it counts as dead. */
export async function startSessionDoor(url: string, ttlMs = 2_000): Promise<SessionDoor> {
  const bus: Bus = await connectBus({ config: { url, name: 'door' }, logger: silent });
  const lease = holdDoorLease({ bus, service: 'mqtt-ingress', ttlMs, onLost: () => undefined });
  await lease.ready;
  const store = createSessionStore(bus);
  const name = bus.incarnation;
  let dead = false;
  return {
    name,
    async connects(client, fields) {
      const record = sessionRecord({ door: name, connection: `${client}-1`, ...fields });
      const stored = await store.read(client);
      const revision = await store.write(client, record, stored?.revision ?? 0);
      if (revision === undefined) throw new Error(`the record of ${client} changed meanwhile`);
      return revision;
    },
    async dies() {
      dead = true;
      await bus.close();
    },
    async [Symbol.asyncDispose]() {
      if (dead) return;
      await lease.release();
      await bus.close();
    },
  };
}
