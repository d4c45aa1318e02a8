import { encodeJson, Presence, presenceKey } from '@trivium/contracts';
import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

const IDS = ['Z', 'a', 'pump 7', 'pump.1', 'x/y', 'ü', '🔥'];

let nats: NatsServer;
let door: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url);
  const bucket = door.bus.bucket('devices');
  for (const [n, client] of [...IDS].reverse().entries())
    await bucket.put(presenceKey(client), recordOf(client, n));
  await bucket.put(presenceKey('broken'), Buffer.from('{'));
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

function recordOf(client: string, pos: number): Uint8Array {
  return encodeJson(Presence, {
    v: 1,
    client,
    online: true,
    door: 'd1',
    service: 'mqtt-ingress',
    protocol: 'mqtt3.1.1',
    connection: 'c1',
    connectedAt: 1_000 + pos,
    pos,
  });
}

interface Page {
  devices: { id: string }[];
  next?: string;
}
const list = async (query = ''): Promise<Page> =>
  (await (await fetch(`${door.url}/v1/devices${query}`)).json()) as Page;

describe('GET /v1/devices', () => {
  test('all devices ordered by id; a record that cannot be read is left out', async () => {
    const { devices, next } = await list();
    expect(devices.map(({ id }) => id)).toEqual(IDS);
    expect(next).toBeUndefined();
    expect(devices[0]).toEqual({
      id: 'Z',
      client: 'Z',
      online: true,
      door: 'd1',
      service: 'mqtt-ingress',
      protocol: 'mqtt3.1.1',
      connection: 'c1',
      connectedAt: 1_006,
    });
  });

  test.each([1, 2, 3, 6, 7, 8])('page by page, %i at a time', async (limit) => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await list(
        `?limit=${limit}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`,
      );
      expect(page.devices.length).toBeLessThanOrEqual(limit);
      seen.push(...page.devices.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(IDS);
  });

  test('after the last one, and after one that does not exist', async () => {
    expect(await list(`?after=${encodeURIComponent('🔥')}`)).toEqual({ devices: [] });
    expect((await list('?after=pump')).devices.map(({ id }) => id)).toEqual(IDS.slice(2));
  });

  test.each(['?limit=0', '?limit=x', '?limit=10001'])('%s is refused', async (query) => {
    const response = await fetch(`${door.url}/v1/devices${query}`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      400,
      'protocol.malformed',
    ]);
  });

  test('callers of one moment are all answered', async () => {
    const pages = await Promise.all(Array.from({ length: 20 }, () => list()));
    for (const { devices } of pages) expect(devices).toHaveLength(IDS.length);
  });
});

describe('GET /v1/devices/{id}', () => {
  test.each(IDS)('%s', async (id) => {
    const response = await fetch(`${door.url}/v1/devices/${encodeURIComponent(id)}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id, online: true });
  });

  test.each(['nobody', '%FF%', 'x'.repeat(4_000)])('%.20s is refused', async (id) => {
    const response = await fetch(`${door.url}/v1/devices/${id}`);
    const { code } = (await response.json()) as { code: string };
    if (id === 'nobody') expect([response.status, code]).toEqual([404, 'device.unknown']);
    else expect([[400, 414].includes(response.status), code]).toEqual([true, 'protocol.malformed']);
  });
});
