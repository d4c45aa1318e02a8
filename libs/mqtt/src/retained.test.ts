import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, connect, PINGREQ, publish, subscribe } from './testing/client-packets.ts';
import { arrived, realDoor, type RealDoor, type TestClient } from './testing/real-door.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

let run = 0;
let topic = '';
beforeEach(() => void (topic = `r${++run}`));

/** What a client is sent as retained (`!`) and otherwise, for these filters. */
async function subscriber(
  door: RealDoor,
  filter: string,
  qos: 0 | 1 | 2 = 2,
): Promise<TestClient & { flags: string[] }> {
  const client = await door.client();
  const flags: string[] = [];
  client.mqtt.on('message', (name, payload, { retain, qos: at }) =>
    flags.push(`${name} ${payload.toString()} q${at}${retain ? '!' : ''}`),
  );
  await client.mqtt.subscribeAsync(filter, { qos });
  return { ...client, flags };
}

describe('a retained message', () => {
  test.each([0, 1, 2] as const)(
    '[MQTT3-3.3.1-5] [MQTT3-3.3.1-6] [MQTT3-3.3.1-8] published at QoS %i is what a later subscriber gets, at whatever door',
    async (qos) => {
      await using here = await realDoor(nats.url);
      await using there = await realDoor(nats.url);
      const early = await subscriber(there, `${topic}/#`);
      const pub = await here.client();
      await pub.mqtt.publishAsync(`${topic}/a`, 'old', { qos, retain: true });
      await pub.mqtt.publishAsync(`${topic}/a`, 'new', { qos, retain: true });
      await pub.mqtt.publishAsync(`${topic}/a`, 'not retained', { qos });
      await arrived(early.seen, 3);
      // QoS 0 is acknowledged by nobody: what the record says follows.
      await waitFor(
        async () => {
          const late = await subscriber(there, `${topic}/#`);
          await waitFor(() => late.flags.length > 0, { timeoutMs: 1_000 });
          return late.flags[0] === `${topic}/a new q${qos}!`;
        },
        { timeoutMs: 45_000 },
      );
      // [MQTT3-3.3.1-9]: an established subscription gets it without the flag. At QoS 0 what is to be retained goes by the log, what
      // is not by core: their order is not kept.
      const all = ['old', 'new', 'not retained'].map((payload) => `${topic}/a ${payload} q${qos}`);
      if (qos === 0) expect(early.flags.filter((line) => !line.includes('not'))).toEqual(all.slice(0, 2));
      else expect(early.flags).toEqual(all);
    },
  );

  test('[MQTT3-3.3.1-10] [MQTT3-3.3.1-11] an empty one clears, and is delivered', async () => {
    await using door = await realDoor(nats.url);
    const pub = await door.client();
    await pub.mqtt.publishAsync(topic, 'x', { qos: 1, retain: true });
    const early = await subscriber(door, topic);
    await arrived(early.flags, 1);
    await pub.mqtt.publishAsync(topic, '', { qos: 1, retain: true });
    await arrived(early.flags, 2);
    const late = await subscriber(door, topic);
    await pub.mqtt.publishAsync(topic, 'live', { qos: 1 });
    await arrived(late.flags, 1);
    expect(late.flags).toEqual([`${topic} live q1`]);
    expect(early.flags).toEqual([`${topic} x q1!`, `${topic}  q1`, `${topic} live q1`]);
  });

  test('is there when its publish is acknowledged; [MQTT3-3.8.4-3] the same filter again sends it again', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const pub = await here.client();
    for (let i = 0; i < 20; i++) {
      await pub.mqtt.publishAsync(`${topic}/${i}`, 'x', { qos: i % 2 === 0 ? 1 : 2, retain: true });
      const client = await subscriber(there, `${topic}/${i}`, 1);
      await arrived(client.flags, 1);
      expect(client.flags).toEqual([`${topic}/${i} x q1!`]);
      await client.mqtt.subscribeAsync(`${topic}/${i}`, { qos: 1 });
      await arrived(client.flags, 2);
      client.mqtt.end();
    }
  });

  test('[MQTT3-4.4.0-1] not acknowledged is sent again on the next connection, with its id, DUP and the flag', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const pub = await here.client();
    await pub.mqtt.publishAsync(`${topic}/1`, 'one', { qos: 1, retain: true });
    await pub.mqtt.publishAsync(`${topic}/2`, 'two', { qos: 2, retain: true });
    const raw = await here.socket();
    const hello = connect({ clientId: topic, clean: false });
    raw.send(hello, subscribe(1, [{ filter: `${topic}/#`, qos: 2 }]));
    const one = (dup: boolean) =>
      publish({ topic: `${topic}/1`, qos: 1, packetId: 1, payload: 'one', retain: true, dup });
    const two = (dup: boolean) =>
      publish({ topic: `${topic}/2`, qos: 2, packetId: 2, payload: 'two', retain: true, dup });
    const hex = (...packets: Buffer[]) => Buffer.concat(packets).toString('hex');
    const suback = '9003000102';
    const sent = `20020000${suback}${hex(one(false), two(false))}`;
    await waitFor(() => raw.received().length >= sent.length, { message: () => raw.received() });
    // What is retained may overtake SUBACK (section 3.8.4): the session is written meanwhile.
    expect(raw.received()).toContain(suback);
    expect(raw.received().replace(suback, '')).toBe(sent.replace(suback, ''));
    raw.socket.destroy();
    const again = await there.socket();
    again.send(hello, PINGREQ);
    await waitFor(() => again.received().endsWith('d000'));
    expect(again.received()).toBe(`20020100${hex(one(true), two(true))}d000`);
    again.send(acknowledge('puback', 1), acknowledge('pubrec', 2));
    await waitFor(() => again.received().endsWith('62020002'));
  });

  test('is acknowledged only when NATS has it, also when NATS dies meanwhile', async () => {
    await using own = await startNats();
    await using door = await realDoor(own.url);
    const pub = await door.client();
    await own.kill();
    await waitFor(() => !door.bus.up);
    const acknowledged: number[] = [];
    const sent = [1, 2].map((qos) =>
      pub.mqtt
        .publishAsync(`${topic}/${qos}`, 'x', { qos: qos as 1 | 2, retain: true })
        .then(() => acknowledged.push(qos)),
    );
    await waitFor(() => door.door.stats.openPublishes === 2);
    expect(acknowledged).toEqual([]);
    await own.restart();
    await Promise.all(sent);
    const late = await subscriber(door, `${topic}/#`);
    await arrived(late.flags, 2);
    expect(late.flags.sort()).toEqual([`${topic}/1 x q1!`, `${topic}/2 x q2!`]);
  });
});
