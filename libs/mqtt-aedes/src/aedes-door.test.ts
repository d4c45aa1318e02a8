import { encodeHeaders } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDoor, startOtherDoor, type DoorFixture, type OtherDoor } from './door.fixture.ts';

let nats: NatsServer;
let fixture: DoorFixture;
let other: OtherDoor;
let root = '';
let tests = 0;

beforeAll(async () => {
  nats = await startNats();
  [fixture, other] = await Promise.all([startDoor(nats.url), startOtherDoor(nats.url)]);
});
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await nats?.stop();
});
beforeEach(() => (root = `t${++tests}`));

describe.each([0, 1] as const)('QoS %i', (qos) => {
  it('goes from an aedes client to another door', async () => {
    const seen = await other.collect(`${root}/#`);
    const client = await fixture.connect();
    await client.mqtt.publishAsync(`${root}/a b/ü/`, 'x', { qos });
    await waitFor(() => seen.length > 0);
    expect(seen).toEqual([`${root}/a b/ü/ x q${qos}`]);
  });

  it('comes from another door to an aedes client', async () => {
    const client = await fixture.connect();
    await client.mqtt.subscribeAsync(`${root}/#`, { qos });
    await other.publish(`${root}/a`, 'x', qos);
    await waitFor(() => client.seen.length > 0);
    expect(client.seen).toEqual([`${root}/a x q${qos}`]);
  });

  it('goes from one aedes client to another, and to itself, once', async () => {
    const [a, b] = [await fixture.connect(), await fixture.connect()];
    await a.mqtt.subscribeAsync(`${root}/+`, { qos });
    await b.mqtt.subscribeAsync(`${root}/a`, { qos });
    const expected: string[] = [];
    for (let i = 0; i < 20; i++) {
      await a.mqtt.publishAsync(`${root}/a`, String(i), { qos });
      expected.push(`${root}/a ${i} q${qos}`);
    }
    await a.mqtt.publishAsync(`${root}/a`, 'end', { qos });
    await waitFor(() => a.seen.at(-1)?.includes('end') && b.seen.at(-1)?.includes('end'));
    expect(a.seen.slice(0, -1)).toEqual(expected);
    expect(b.seen.slice(0, -1)).toEqual(expected);
  });
});

describe('subscriptions', () => {
  it('overlapping filters give one copy, at the highest QoS granted [MQTT3-3.3.5-1]', async () => {
    const client = await fixture.connect();
    // aedes by itself would lower the message to what the filter equal to its topic was granted.
    await client.mqtt.subscribeAsync({
      [`${root}/a`]: { qos: 0 },
      [`${root}/#`]: { qos: 1 },
      [`${root}/+`]: { qos: 0 },
    });
    await other.publish(`${root}/a`, 'x', 1);
    await other.publish(`${root}/a`, 'end', 1);
    await waitFor(() => client.seen.length > 1);
    expect(client.seen).toEqual([`${root}/a x q1`, `${root}/a end q1`]);
  });

  it('a wildcard granted 0 lowers what it matches [MQTT3-3.8.4-6]', async () => {
    const client = await fixture.connect();
    await client.mqtt.subscribeAsync(`${root}/#`, { qos: 0 });
    await other.publish(`${root}/a`, 'x', 1);
    await waitFor(() => client.seen.length > 0);
    expect(client.seen).toEqual([`${root}/a x q0`]);
  });

  it('a filter subscribed again has the new QoS [MQTT3-3.8.4-3]', async () => {
    const client = await fixture.connect();
    await client.mqtt.subscribeAsync(`${root}/a`, { qos: 0 });
    await other.publish(`${root}/a`, '1', 1);
    await waitFor(() => client.seen.length === 1);
    expect(await client.mqtt.subscribeAsync(`${root}/a`, { qos: 1 })).toMatchObject([{ qos: 1 }]);
    await other.publish(`${root}/a`, '2', 1);
    await waitFor(() => client.seen.length === 2);
    await client.mqtt.subscribeAsync(`${root}/a`, { qos: 0 });
    await other.publish(`${root}/a`, '3', 1);
    await waitFor(() => client.seen.length === 3);
    expect(client.seen).toEqual([`${root}/a 1 q0`, `${root}/a 2 q1`, `${root}/a 3 q0`]);
  });

  it('an unsubscribed filter is gone when UNSUBACK comes [MQTT3-3.10.4-2]', async () => {
    const client = await fixture.connect();
    await client.mqtt.subscribeAsync([`${root}/a`, `${root}/b`], { qos: 1 });
    await client.mqtt.unsubscribeAsync(`${root}/a`);
    await other.publish(`${root}/a`, 'x', 1);
    await other.publish(`${root}/b`, 'y', 1);
    await waitFor(() => client.seen.length > 0);
    expect(client.seen).toEqual([`${root}/b y q1`]);
    await client.mqtt.subscribeAsync(`${root}/a`, { qos: 1 });
    await other.publish(`${root}/a`, 'z', 1);
    await waitFor(() => client.seen.length > 1);
    expect(client.seen[1]).toBe(`${root}/a z q1`);
  });

  it('# reaches its parent level, and not what begins with $ [MQTT3-4.7.1-2] [MQTT3-4.7.2-1]', async () => {
    const [all, below] = [await fixture.connect(), await fixture.connect()];
    await all.mqtt.subscribeAsync('#', { qos: 1 });
    await below.mqtt.subscribeAsync(`${root}/#`, { qos: 1 });
    await other.publish(`$${root}/a`, 'hidden', 1);
    await other.publish(root, 'parent', 1);
    await waitFor(() => all.seen.length > 0 && below.seen.length > 0);
    expect(all.seen).toEqual([`${root} parent q1`]);
    expect(below.seen).toEqual([`${root} parent q1`]);
  });

  it('a client that is gone leaves nothing behind', async () => {
    const before = fixture.door.stats.sessions;
    const client = await fixture.connect();
    await client.mqtt.subscribeAsync([`${root}/a`, `${root}/#`], { qos: 1 });
    await client.mqtt.endAsync();
    await waitFor(() => fixture.door.stats.sessions === before);
    const again = await fixture.connect({ clientId: client.mqtt.options.clientId! });
    await other.publish(`${root}/a`, 'x', 1);
    await again.mqtt.subscribeAsync(`${root}/a`, { qos: 1 });
    await other.publish(`${root}/a`, 'y', 1);
    await waitFor(() => again.seen.length > 0);
    expect(again.seen).toEqual([`${root}/a y q1`]);
  });

  it("nothing of aedes' own topics reaches the hub or a client", async () => {
    const seen = await other.collect('$SYS/#');
    const client = await fixture.connect();
    await client.mqtt.subscribeAsync(['$SYS/#', `${root}/a`], { qos: 1 });
    await (await fixture.connect()).mqtt.endAsync();
    await other.publish(`${root}/a`, 'x', 1);
    await waitFor(() => client.seen.length > 0);
    expect(client.seen).toEqual([`${root}/a x q1`]);
    expect(seen).toEqual([]);
  });
});

it('large payloads come through unchanged', async () => {
  const client = await fixture.connect();
  const payload = Buffer.alloc(200_000, 'abc');
  let got: Buffer | undefined;
  client.mqtt.on('message', (_topic, bytes) => (got = bytes));
  await client.mqtt.subscribeAsync(`${root}/a`, { qos: 1 });
  await client.mqtt.publishAsync(`${root}/a`, payload, { qos: 1 });
  await waitFor(() => got !== undefined);
  expect(got?.equals(payload)).toBe(true);
});

it('QoS 2 from another door comes at QoS 1, and what has expired not at all', async () => {
  const client = await fixture.connect();
  await client.mqtt.subscribeAsync(`${root}/#`, { qos: 1 });
  const expired = encodeHeaders({ properties: { expiresAt: Date.now() - 1 } });
  const fresh = encodeHeaders({ properties: { expiresAt: Date.now() + 60_000 } });
  await other.bus.publisher.store(`tv1.m.1.-.${root}.expired`, Buffer.from('x'), expired);
  await other.bus.publisher.store(`tv1.m.1.-.${root}.fresh`, Buffer.from('x'), fresh);
  await other.publish(`${root}/twice`, 'x', 2);
  await waitFor(() => client.seen.length > 1);
  expect(client.seen).toEqual([`${root}/fresh x q1`, `${root}/twice x q1`]);
});
