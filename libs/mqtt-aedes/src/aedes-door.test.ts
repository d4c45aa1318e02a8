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
