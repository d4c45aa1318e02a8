import { connectBus, type Bus } from '@trivium/bus';
import {
  contractLetterSubject,
  decodeClient,
  decodeLetter,
  decodeQos,
  decodeRetain,
  type ContractRecord,
  type QoS,
  type ViolationPolicy,
} from '@trivium/contracts';
import { removeContract, storeContract } from '@trivium/message-contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeConnack } from './codec/encode.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { Will } from './codec/packets.ts';
import { acknowledge, connect, PINGREQ, publish } from './testing/client-packets.ts';
import { arrivedPackets, mqtt5Client } from './testing/mqtt5-clients.ts';
import { realDoor, type RealDoor } from './testing/real-door.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const POLICIES: readonly ViolationPolicy[] = ['reject', 'tag', 'dead-letter'];
const SCHEMA = { type: 'object', required: ['value'], properties: { value: { type: 'number' } } };
const GOOD = '{"value":1}';
const BAD = '{"value":"x"}';
const WHY = (policy: string): string => `contract ${policy}: /value must be number`;

let nats: NatsServer;
let bus: Bus;
let door: RealDoor;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
  for (const policy of POLICIES) await store(policy, `${policy}/#`, policy);
  door = await realDoor(nats.url, {}, undefined, { enforcing: true });
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await bus.close();
  await nats.stop();
});

function store(name: string, filter: string, onViolation: ViolationPolicy): Promise<void> {
  const record: ContractRecord = { v: 1, name, filter, schema: SCHEMA, onViolation };
  return storeContract(bus.bucket('contracts'), record);
}

interface Letter {
  readonly topic: string;
  readonly reason: string;
  readonly payload: string;
  readonly client: string | undefined;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** The dead letters of a contract on one topic. */
async function letters(contract: string, topic: string): Promise<Letter[]> {
  const found: Letter[] = [];
  const follower = bus.follow({
    stream: 'DEADLETTER',
    after: 0,
    onMessage(_pos, { subject, data, headers }) {
      const get = (name: string): string | undefined => headers?.get(name);
      const letter = decodeLetter(get);
      if (subject !== contractLetterSubject(contract) || letter?.topic !== topic) return;
      const payload = Buffer.from(data).toString();
      const about = { client: decodeClient('-', get), qos: decodeQos(2, get), retain: decodeRetain(get) };
      found.push({ ...letter, payload, ...about });
    },
  });
  await follower.caughtUp();
  follower.close();
  return found;
}

/** A bare client, and everything that it has got after its CONNACK, as hex. */
async function raw(level: ProtocolLevel, clientId: string, will?: Will) {
  const socket = await door.socket();
  socket.send(connect({ level, clientId, will }));
  await waitFor(() => socket.received().length >= 8);
  const connack = level === 5 ? 4 + 2 * parseInt(socket.received().slice(2, 4), 16) : 8;
  await waitFor(() => socket.received().length >= connack);
  return Object.assign(socket, { rest: () => socket.received().slice(connack) });
}

const hex = (type: 'puback' | 'pubrec', id: number, why?: string): string => {
  const packet =
    why === undefined ? acknowledge(type, id) : acknowledge(type, id, 0x99, { reasonString: why });
  return packet.toString('hex');
};

const CASES = ([4, 5] as const).flatMap((level) =>
  ([0, 1, 2] as const).flatMap((qos) => POLICIES.map((policy) => ({ level, qos, policy }))),
);

describe.each(CASES)('MQTT level $level, QoS $qos, policy $policy', ({ level, qos, policy }) => {
  const topic = `${policy}/${level}/${qos}`;
  const clientId = `c-${policy}-${level}-${qos}`;
  const told = policy === 'reject' && level === 5;

  test('a message that keeps its contract goes through, and what becomes of one that does not', async () => {
    const sub = await mqtt5Client(door);
    await sub.mqtt.subscribeAsync(topic, { qos: 2 });
    const client = await raw(level, clientId);
    const messages = [BAD, GOOD].map((payload, i) =>
      publish({ level, topic, payload, qos, packetId: i + 7 }),
    );
    client.send(...messages, ...(qos === 0 ? [PINGREQ] : []));
    const type = qos === 1 ? 'puback' : 'pubrec';
    const expected = qos === 0 ? 'd000' : hex(type, 7, told ? WHY(policy) : undefined) + hex(type, 8);
    await waitFor(() => client.rest().length >= expected.length);
    expect(client.rest()).toBe(expected);

    const delivered = policy === 'tag' ? [BAD, GOOD] : [GOOD];
    await arrivedPackets(sub.packets, delivered.length);
    expect(sub.packets.map(({ payload }) => payload.toString())).toEqual(delivered);
    expect(sub.packets[0]?.properties?.userProperties?.['tv-contract-violation']).toBe(
      policy === 'tag' ? 'tag' : undefined,
    );
    expect(sub.packets.at(-1)?.properties?.userProperties).toBeUndefined();
    const aside = policy === 'dead-letter' || (policy === 'reject' && !told && qos > 0);
    const letter = { topic, reason: WHY(policy), payload: BAD, client: clientId, qos, retain: false };
    await waitFor(async () => (await letters(policy, topic)).length === (aside ? 1 : 0));
    expect(await letters(policy, topic)).toEqual(aside ? [letter] : []);
  });
});

test('[MQTT3-3.3.5-2] a client of 3.1.1 whose message is rejected stays connected', async () => {
  const client = await raw(4, 'stays');
  client.send(publish({ topic: 'reject/stays', payload: BAD, qos: 1, packetId: 1 }));
  await waitFor(() => client.rest() === hex('puback', 1));
  client.send(publish({ topic: 'reject/stays', payload: GOOD, qos: 1, packetId: 2 }));
  await waitFor(() => client.rest() === hex('puback', 1) + hex('puback', 2));
});

test('a topic without a contract takes anything, also from a client that has just broken one', async () => {
  const sub = await mqtt5Client(door);
  await sub.mqtt.subscribeAsync('free/#', { qos: 1 });
  const client = await raw(4, 'free');
  client.send(
    publish({ topic: 'tag/free', payload: BAD, qos: 1, packetId: 1 }),
    publish({ topic: 'dead-letter/free', payload: BAD, qos: 1, packetId: 2 }),
    publish({ topic: 'free/a', payload: BAD, qos: 1, packetId: 3 }),
  );
  await arrivedPackets(sub.packets, 1);
  expect(sub.packets[0]).toMatchObject({ topic: 'free/a', payload: Buffer.from(BAD) });
  expect(sub.packets[0]?.properties?.userProperties).toBeUndefined();
});

test.each(POLICIES)(
  'a retained message that breaks its contract is retained only with tag: %s',
  async (policy) => {
    const topic = `${policy}/retained`;
    const client = await raw(5, `retains-${policy}`);
    const send = (payload: string, packetId: number): Buffer =>
      publish({ level: 5, topic, payload, qos: 1, packetId, retain: true });
    client.send(send(GOOD, 1), send(BAD, 2));
    await waitFor(() => client.rest().length >= 16);
    const sub = await mqtt5Client(door);
    await sub.mqtt.subscribeAsync(topic, { qos: 1 });
    await arrivedPackets(sub.packets, 1);
    expect(sub.packets[0]?.payload.toString()).toBe(policy === 'tag' ? BAD : GOOD);
    client.send(send('', 3)); // clears
    await arrivedPackets(sub.packets, 2);
    expect(sub.packets[1]?.payload.toString()).toBe('');
  },
);

test('a QoS 2 message that is put aside is so once, however often it is repeated', async () => {
  const topic = 'dead-letter/repeated';
  const client = await raw(4, 'repeats');
  const message = (dup: boolean): Buffer => publish({ topic, payload: BAD, qos: 2, packetId: 7, dup });
  client.send(message(false));
  await waitFor(() => client.rest() === hex('pubrec', 7));
  client.send(message(true));
  await waitFor(() => client.rest() === hex('pubrec', 7).repeat(2));
  client.send(acknowledge('pubrel', 7));
  await waitFor(() => client.rest().endsWith('70020007'));
  expect(await letters('dead-letter', topic)).toHaveLength(1);
});

test('contracts change under clients that are connected', async () => {
  const client = await raw(5, 'reloads');
  const send = (packetId: number): Buffer =>
    publish({ level: 5, topic: 'later/a', payload: BAD, qos: 1, packetId });
  client.send(send(1));
  await waitFor(() => client.rest() === hex('puback', 1));
  await store('later', 'later/+', 'reject');
  let id = 2;
  await waitFor(async () => {
    const before = client.rest().length;
    client.send(send(id));
    await waitFor(() => client.rest().length > before);
    return client.rest().slice(before) === hex('puback', id++, WHY('later'));
  });
  await removeContract(bus.bucket('contracts'), 'later');
  await waitFor(async () => {
    const before = client.rest().length;
    client.send(send(id));
    await waitFor(() => client.rest().length > before);
    return client.rest().slice(before) === hex('puback', id++);
  });
});

describe('a will that breaks its contract', () => {
  const will = (policy: ViolationPolicy, level: number): Will => ({
    ...{ topic: `${policy}/will/${level}`, payload: Buffer.from(BAD), qos: 1, retain: false },
    properties: level === 5 ? { messageExpirySeconds: 60 } : undefined,
  });

  test.each([
    [4, '20020005'],
    [5, encodeConnack(5, false, 0x99, { reasonString: WHY('reject') }).toString('hex')],
  ] as const)('reject: the connection is refused, level %i', async (level, connack) => {
    const socket = await door.socket();
    socket.send(connect({ level, clientId: `w-${level}`, will: will('reject', level) }));
    await socket.closed;
    expect(socket.received()).toBe(connack);
  });

  test.each([4, 5] as const)('tag: it is published, and says so, level %i', async (level) => {
    const sub = await mqtt5Client(door);
    await sub.mqtt.subscribeAsync(`tag/will/${level}`, { qos: 1 });
    const client = await raw(level, `wt-${level}`, will('tag', level));
    client.socket.destroy();
    await arrivedPackets(sub.packets, 1);
    expect(sub.packets[0]?.properties?.userProperties).toEqual({ 'tv-contract-violation': 'tag' });
    expect(sub.packets[0]?.properties?.messageExpiryInterval).toBe(level === 5 ? 60 : undefined);
  });

  test('dead-letter: it is put aside at once, and the session has none', async () => {
    const sub = await mqtt5Client(door);
    await sub.mqtt.subscribeAsync('dead-letter/will/#', { qos: 1 });
    const client = await raw(4, 'wd', will('dead-letter', 4));
    await waitFor(async () => (await letters('dead-letter', 'dead-letter/will/4')).length === 1);
    client.socket.destroy();
    await waitFor(() => door.door.stats.closed['client.gone']! > 0);
    const after = await raw(4, 'wd');
    after.send(publish({ topic: 'dead-letter/will/end', payload: GOOD, qos: 1, packetId: 1 }));
    await arrivedPackets(sub.packets, 1);
    expect(sub.packets.map(({ topic }) => topic)).toEqual(['dead-letter/will/end']);
  });
});
