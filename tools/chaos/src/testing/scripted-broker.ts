import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { matches } from '../accounts/filters.ts';
import type { Door } from '../clients/client.ts';
import type { Part } from '../harm/outages.ts';
import { createPacketReader } from '../mqtt/packet-reader.ts';
import {
  answerPacket,
  PUBACK,
  PUBCOMP,
  PUBREC,
  PUBREL,
  readPublish,
  type QoS,
  type Will,
} from '../mqtt/packets.ts';
import type { Service, Target } from '../targets/target.ts';
import { createConscience, type Misdeed, type Misdeeds } from './misdeeds.ts';
import { ScriptedSession, type Message, type Wire } from './scripted-session.ts';

/** A broker with three doors in this process, whose faults are known. */
export interface ScriptedBroker extends Target {
  /** How often it really did what it was told to do wrong. */
  readonly done: ReadonlyMap<Misdeed, number>;
  /** What it has acknowledged and not delivered. */
  readonly lost: ReadonlySet<string>;
}

const LOST_BEFORE_KILL_MS = 300;

export async function startScriptedBroker(misdeeds: Misdeeds = {}): Promise<ScriptedBroker> {
  const conscience = createConscience(misdeeds);
  const sessions = new Map<string, ScriptedSession>();
  const retained = new Map<string, Message>();
  let connects = 0;
  let publishes = 0;
  let isSuspended = false;
  const waiting: (() => void)[] = [];

  const publish = (publisher: string, { topic, payload, qos, retain }: Will): void => {
    const message = { topic, payload, qos, publisher, storedAt: performance.now() };
    const keeps = misdeeds.retained !== 'none' && (misdeeds.retained !== 'first' || !retained.has(topic));
    if (retain && keeps) retained.set(topic, message);
    for (const session of sessions.values()) session.offer(message);
  };

  const publishWill = (session: ScriptedSession): void => {
    const { will, id } = session;
    session.will = undefined;
    if (will === undefined || misdeeds.wills === 'never') return;
    const given = misdeeds.wills === 'garbled' ? { ...will, payload: `${will.payload}0` } : will;
    const go = (): void => {
      publish(id, given);
      if (misdeeds.wills === 'twice') publish(id, given);
    };
    if (misdeeds.willDelayMs === undefined) go();
    else setTimeout(go, misdeeds.willDelayMs).unref();
  };

  const serve = (socket: Socket): void => {
    let session: ScriptedSession | undefined;
    const wire: Wire = { write: (bytes) => void socket.write(bytes), end: () => void socket.destroy() };
    const gone = (): void => {
      if (session?.wire !== wire) return;
      session.wire = undefined;
      publishWill(session);
    };
    socket.on('error', () => socket.destroy());
    socket.on('close', gone);

    const connect = (body: Buffer): void => {
      const { clientId, clean, will } = readConnect(body);
      const known = sessions.get(clientId);
      if (++connects === misdeeds.refusesAt) return void socket.end(Buffer.from([0x20, 2, 0, 2]));
      if (known?.wire !== undefined) {
        const former = known.wire;
        known.wire = undefined;
        publishWill(known);
        if (misdeeds.keepsFormer !== true) former.end();
      }
      const forgets = known !== undefined && known.connects + 1 === misdeeds.forgetsSessionAt;
      const isKept = known !== undefined && !clean && !forgets;
      const own = isKept ? known : new ScriptedSession(clientId, conscience);
      own.connects = (known?.connects ?? 0) + 1;
      if (own.connects === misdeeds.forgetsFilterAt) own.filters.delete([...own.filters.keys()].at(-1) ?? '');
      if (misdeeds.forgetsIncomingEvery !== undefined) own.incoming.clear();
      sessions.set(clientId, own);
      session = own;
      Object.assign(own, { wire, will });
      const present = isKept || misdeeds.inventsSessions === true ? 1 : 0;
      wire.write(Buffer.from([0x20, 2, present, 0]));
      own.resume();
    };

    const take = (own: ScriptedSession, first: number, body: Buffer): void => {
      const got = readPublish(first, body);
      if (got === undefined) return void socket.destroy();
      const qos = got.qos as QoS;
      if (qos === 1 || !own.incoming.has(got.packetId)) publish(own.id, { ...got, qos });
      if (qos === 2) own.incoming.add(got.packetId);
      if (qos === 2 && conscience.isTurn('forgetsIncomingEvery')) return;
      const answer = answerPacket(qos === 1 ? PUBACK : PUBREC, got.packetId);
      if (own.id.endsWith('-p0') && ++publishes === misdeeds.silentAt) return;
      wire.write(answer);
      if (own.id.endsWith('-p0') && publishes === misdeeds.answersTwiceAt) wire.write(answer);
    };

    const handle = (first: number, body: Buffer): void => {
      const type = first >> 4;
      if (type === 1) return connect(body);
      // Another connection has the session now.
      if (session?.wire !== wire) return;
      const packetId = body.length >= 2 ? body.readUInt16BE(0) : 0;
      const [high = 0, low = 0] = body;
      switch (type) {
        case 3:
          return take(session, first, body);
        case PUBACK:
          return session.acknowledged(packetId);
        case PUBREC:
          return session.received(packetId);
        case PUBREL:
          session.incoming.delete(packetId);
          return wire.write(answerPacket(PUBCOMP, packetId));
        case PUBCOMP:
          return session.completed(packetId);
        case 8:
          return subscribe(session, body);
        case 10:
          session.filters.delete(body.toString('utf8', 4));
          return wire.write(Buffer.from([0xb0, 2, high, low]));
        case 12:
          return wire.write(Buffer.from([0xd0, 0]));
        case 14:
          if (misdeeds.wills !== 'after DISCONNECT') session.will = undefined;
          socket.end();
      }
    };

    const subscribe = (own: ScriptedSession, body: Buffer): void => {
      const filter = body.toString('utf8', 4, body.length - 1);
      const qos = body.at(-1) as QoS;
      own.filters.set(filter, qos);
      const granted = misdeeds.grantsLess === true && own.id.endsWith('s0') ? 1 : qos;
      wire.write(Buffer.from([0x90, 3, body[0] ?? 0, body[1] ?? 0, granted]));
      for (const message of retained.values()) {
        if (!matches(filter, message.topic)) continue;
        own.offerRetained(message, qos);
        if (misdeeds.retained === 'twice') own.offerRetained(message, qos);
      }
    };

    const read = createPacketReader((first, body) => {
      if (!isSuspended) return handle(first, body);
      const copy = Buffer.from(body);
      waiting.push(() => handle(first, copy));
    });
    socket.on('data', read);
  };

  const doors = await Promise.all(
    (['door 0', 'door 1', 'observer'] as const).map((part) =>
      startDoor(part, serve, misdeeds.staysAway === true),
    ),
  );
  const [first, second, observer] = doors as [ScriptedDoor, ScriptedDoor, ScriptedDoor];
  for (const door of [first, second]) {
    door.beforeKill = () => {
      if (misdeeds.loseBeforeKill !== true) return;
      const since = performance.now() - LOST_BEFORE_KILL_MS;
      for (const session of sessions.values()) session.loseSince(since);
    };
  }
  const nats: Service = {
    part: 'nats',
    kill: async () => void (isSuspended = true),
    start: async () => {
      isSuspended = false;
      for (const go of waiting.splice(0)) go();
    },
    problem: () => undefined,
  };
  const router: Service = {
    part: 'router',
    kill: async () => {},
    start: async () => {},
    problem: () => undefined,
  };
  return {
    name: 'the broker of the tests',
    doors: [first.door, second.door],
    observer: observer.door,
    services: [first, second, nats, router],
    done: conscience.done,
    lost: conscience.lost,
    [Symbol.asyncDispose]: async () => void (await Promise.all(doors.map((door) => door.kill()))),
  };
}

interface ScriptedDoor extends Service {
  readonly door: Door;
  beforeKill(): void;
}

async function startDoor(
  part: Part,
  serve: (socket: Socket) => void,
  staysAway: boolean,
): Promise<ScriptedDoor> {
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;
  const listen = async (): Promise<void> => {
    server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      serve(socket);
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  await listen();
  const self: ScriptedDoor = {
    part,
    door: { part, address: { host: '127.0.0.1', port } },
    beforeKill: () => undefined,
    async kill() {
      self.beforeKill();
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    start: () => (staysAway ? Promise.resolve() : listen()),
    problem: () => undefined,
  };
  return self;
}

function readConnect(body: Buffer): { clientId: string; clean: boolean; will: Will | undefined } {
  const flags = body[7] ?? 0;
  const texts: string[] = [];
  for (let at = 10; at + 2 <= body.length;) {
    const end = at + 2 + body.readUInt16BE(at);
    texts.push(body.toString('utf8', at + 2, end));
    at = end;
  }
  const [clientId = '', topic = '', payload = ''] = texts;
  const qos = ((flags >> 3) & 3) as QoS;
  const will = (flags & 4) === 0 ? undefined : { topic, payload, qos, retain: (flags & 32) !== 0 };
  return { clientId, clean: (flags & 2) !== 0, will };
}
