import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, connect, disconnect, PINGREQ, publish, subscribe } from './testing/client-packets.ts';
import { arrived, realDoor, type RawClient, type RealDoor } from './testing/real-door.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

let run = 0;
let id = '';
let topic = '';
beforeEach(() => {
  id = `exact-${++run}`;
  topic = `e${run}`;
});

const PINGRESP = 'd000';
const packet = (first: string, packetId: number): string =>
  `${first}02${packetId.toString(16).padStart(4, '0')}`;
const PUBREC = (packetId: number): string => packet('50', packetId);
const PUBREL = (packetId: number): string => packet('62', packetId);
const PUBCOMP = (packetId: number): string => packet('70', packetId);
const message = (packetId: number, payload: string, dup = false): Buffer =>
  publish({ topic, qos: 2, packetId, payload, dup });

async function client(door: RealDoor, clean = false): Promise<RawClient & { rest(): string }> {
  const raw = await door.socket();
  raw.send(connect({ clientId: id, clean }));
  await waitFor(() => raw.received().length >= 8);
  return Object.assign(raw, { rest: () => raw.received().slice(8) });
}

/** Everything after CONNACK, once PINGRESP has come. */
async function answers(raw: RawClient, ...sent: Buffer[]): Promise<string> {
  const before = raw.received().length;
  raw.send(...sent, PINGREQ);
  await waitFor(() => raw.received().slice(before).includes(PINGRESP), { message: () => raw.received() });
  return raw.received().slice(before);
}

async function until(raw: { rest(): string }, expected: string): Promise<void> {
  await waitFor(() => raw.rest().length >= expected.length, {
    message: () => `${expected}, not ${raw.rest()}`,
  });
  expect(raw.rest()).toBe(expected);
}

describe.each([
  ['a persistent session', false],
  ['a clean session', true],
])('QoS 2 of %s', (_name, clean) => {
  test('[MQTT3-4.3.3-1] [MQTT3-4.3.3-2] in: PUBREC, PUBCOMP, delivered once however often PUBLISH is repeated', async () => {
    await using door = await realDoor(nats.url);
    const sub = await door.client();
    await sub.mqtt.subscribeAsync(topic, { qos: 2 });
    const raw = await client(door, clean);
    raw.send(message(7, 'a'));
    await until(raw, PUBREC(7));
    raw.send(message(7, 'a', true));
    await until(raw, PUBREC(7) + PUBREC(7));
    raw.send(acknowledge('pubrel', 7), acknowledge('pubrel', 7));
    await until(raw, PUBREC(7) + PUBREC(7) + PUBCOMP(7) + PUBCOMP(7));
    // The id is free again: another message.
    raw.send(message(7, 'b'), acknowledge('pubrel', 9));
    await waitFor(() => raw.rest().includes(PUBCOMP(9)) && raw.rest().endsWith(PUBREC(7)));
    await arrived(sub.seen, 2);
    expect(sub.seen).toEqual([`${topic} a q2`, `${topic} b q2`]);
  });

  test('[MQTT3-4.6.0-3] in: many at once, PUBRECs in their order, each delivered once and in order', async () => {
    await using door = await realDoor(nats.url);
    const sub = await door.client();
    await sub.mqtt.subscribeAsync(topic, { qos: 2 });
    const raw = await client(door, clean);
    const ids = Array.from({ length: 500 }, (_, i) => i + 1);
    raw.send(...ids.map((packetId) => message(packetId, String(packetId))));
    await until(raw, ids.map(PUBREC).join(''));
    raw.send(...ids.map((packetId) => acknowledge('pubrel', packetId)));
    await until(raw, ids.map(PUBREC).join('') + ids.map(PUBCOMP).join(''));
    await arrived(sub.seen, 500);
    expect(sub.seen).toEqual(ids.map((packetId) => `${topic} ${packetId} q2`));
  });

  test('out: PUBLISH, PUBREL, and a window that fills and empties', async () => {
    await using door = await realDoor(nats.url, { maxOpenExactlyOnce: 2 });
    const raw = await client(door, clean);
    await answers(raw, subscribe(1, [{ filter: topic, qos: 2 }]));
    const before = raw.rest();
    const pub = await door.client();
    for (const payload of ['a', 'b', 'c']) await pub.mqtt.publishAsync(topic, payload, { qos: 2 });
    const [a, b] = [message(1, 'a').toString('hex'), message(2, 'b').toString('hex')];
    await until(raw, before + a + b);
    raw.send(acknowledge('pubrec', 1));
    await until(raw, before + a + b + PUBREL(1));
    // A PUBREC that is repeated is answered again [MQTT3-4.3.3-1].
    raw.send(acknowledge('pubrec', 1));
    await until(raw, before + a + b + PUBREL(1) + PUBREL(1));
    raw.send(acknowledge('pubcomp', 1));
    await until(raw, before + a + b + PUBREL(1) + PUBREL(1) + message(3, 'c').toString('hex'));
  });

  test('a PUBREC for nothing is answered with PUBREL, a PUBREL before PUBREC is an error', async () => {
    await using nowhere = await realDoor(nats.url);
    const raw = await client(nowhere, clean);
    expect(await answers(raw, acknowledge('pubrec', 5))).toBe(PUBREL(5) + PINGRESP);
    raw.send(message(8, 'x'), acknowledge('pubrel', 8));
    await raw.closed;
    expect(nowhere.door.stats.closed).toMatchObject({ 'protocol.error': 1 });
  });
});

describe('QoS 2 across connections and doors', () => {
  test('[MQTT3-4.4.0-1] in: a PUBLISH repeated at another door after its own died is the same message', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const sub = await there.client();
    await sub.mqtt.subscribeAsync(topic, { qos: 2 });
    const raw = await client(here);
    raw.send(message(7, 'a'), message(8, 'b'));
    await until(raw, PUBREC(7) + PUBREC(8));
    await here.bus.close(); // the process is gone: nothing more is written
    const again = await client(there);
    expect(again.received().slice(0, 8)).toBe('20020100');
    again.send(message(8, 'b', true), acknowledge('pubrel', 7), message(7, 'c'));
    await waitFor(() => again.rest().length >= 24);
    expect(again.rest()).toContain(PUBREC(8));
    expect(again.rest()).toContain(PUBCOMP(7));
    expect(again.rest()).toContain(PUBREC(7));
    await arrived(sub.seen, 3);
    expect(sub.seen).toEqual([`${topic} a q2`, `${topic} b q2`, `${topic} c q2`]);
  });

  test('out: PUBLISH again with DUP, PUBREL again without PUBLISH, and never what was completed', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const raw = await client(here);
    await answers(raw, subscribe(1, [{ filter: topic, qos: 2 }]));
    const before = raw.rest().length;
    const pub = await there.client();
    for (const payload of ['a', 'b', 'c']) await pub.mqtt.publishAsync(topic, payload, { qos: 2 });
    await waitFor(() => raw.rest().length >= before + 3 * message(1, 'a').toString('hex').length);
    raw.send(acknowledge('pubrec', 1), acknowledge('pubrec', 2));
    await waitFor(() => raw.rest().endsWith(PUBREL(1) + PUBREL(2)));
    raw.send(acknowledge('pubcomp', 1));
    const bucket = there.bus.bucket('qos2');
    await waitFor(async () => {
      const record = JSON.parse(Buffer.from((await bucket.get(id))!.value).toString()) as {
        outgoing: object[];
      };
      return record.outgoing.length === 2;
    });
    await here.bus.close(); // the cursor of the session still says that nothing was sent
    await pub.mqtt.publishAsync(topic, 'd', { qos: 2 });
    const again = await client(there);
    await until(again, PUBREL(2) + message(3, 'c', true).toString('hex') + message(4, 'd').toString('hex'));
    again.send(acknowledge('pubcomp', 2), acknowledge('pubrec', 3), acknowledge('pubrec', 4));
    await waitFor(() => again.rest().endsWith(PUBREL(3) + PUBREL(4)));
    again.send(acknowledge('pubcomp', 3), acknowledge('pubcomp', 4), disconnect());
    await again.closed;
    // Everything is done: the exchanges leave no record.
    await waitFor(async () => (await bucket.get(id)) === undefined);
    const last = await client(there);
    expect(await answers(last)).toBe(PINGRESP);
  });

  test('nothing is sent or published twice while NATS dies and comes back', async () => {
    await using own = await startNats();
    await using here = await realDoor(own.url);
    await using there = await realDoor(own.url);
    const sub = await there.client({ clientId: 'sub', clean: false });
    await sub.mqtt.subscribeAsync(topic, { qos: 2 });
    const pub = await here.client({ clientId: 'pub', clean: false });
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < 400; i++) {
      sent.push(pub.mqtt.publishAsync(topic, String(i), { qos: 2 }));
      if (i % 100 === 50) {
        await own.kill();
        await waitFor(() => !here.bus.up && !there.bus.up);
        await own.restart();
        await waitFor(() => here.bus.up && there.bus.up, { timeoutMs: 45_000 });
      } else if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sent);
    await waitFor(() => sub.seen.length >= 400, {
      timeoutMs: 45_000,
      message: () => String(sub.seen.length),
    });
    expect(sub.seen).toEqual(Array.from({ length: 400 }, (_, i) => `${topic} ${i} q2`));
  });
});
