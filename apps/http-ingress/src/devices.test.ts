import { encodeJson, Presence, presenceKey } from '@trivium/contracts';
import { freePort, startNats, waitFor, type NatsServer } from '@trivium/testing';
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
      registered: false,
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

describe('the registry', () => {
  const call = (id: string, method: string, body?: unknown, url = door.url): Promise<Response> =>
    fetch(`${url}/v1/devices/${encodeURIComponent(id)}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  const described = {
    description: 'the pump',
    tags: ['hall-2', 'pump'],
    attributes: { rated: 1.5, spare: false, site: 'ü' },
  };

  test('a device is registered, described anew and taken out; what it never said stays out', async () => {
    const before = Date.now();
    const put = await call('reg 1', 'PUT', described);
    expect(put.status).toBe(201);
    const device = (await put.json()) as Record<string, unknown>;
    expect(device).toEqual({
      id: 'reg 1',
      client: 'reg 1',
      registered: true,
      online: false,
      ...described,
      createdAt: expect.any(Number),
      updatedAt: device['createdAt'],
    });
    expect(device['createdAt']).toBeGreaterThanOrEqual(before);
    expect(await (await call('reg 1', 'GET')).json()).toEqual(device);

    const again = await call('reg 1', 'PUT', {});
    expect(again.status).toBe(200);
    const { updatedAt, ...rest } = (await again.json()) as Record<string, unknown>;
    expect(rest).toEqual({
      id: 'reg 1',
      client: 'reg 1',
      registered: true,
      online: false,
      createdAt: device['createdAt'],
    });
    expect(updatedAt).toBeGreaterThanOrEqual(Number(device['createdAt']));

    expect((await call('reg 1', 'DELETE')).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await call('reg 1', method);
      expect([gone.status, await gone.json()]).toMatchObject([404, { code: 'device.unknown' }]);
    }
    expect((await call('reg 1', 'PUT', {})).status).toBe(201);
    await call('reg 1', 'DELETE');
  });

  test('registry and presence are one device; taken out of the registry it is still connected', async () => {
    expect((await call('pump.1', 'PUT', { tags: ['pump'] })).status).toBe(201);
    expect(await (await call('pump.1', 'GET')).json()).toMatchObject({
      registered: true,
      online: true,
      protocol: 'mqtt3.1.1',
      tags: ['pump'],
    });
    expect((await call('pump.1', 'DELETE')).status).toBe(204);
    const left = (await (await call('pump.1', 'GET')).json()) as object;
    expect(left).toMatchObject({ registered: false, online: true });
    expect(left).not.toHaveProperty('tags');
  });

  test('who writes lists it at once, other doors soon', async () => {
    await using other = await startDoor(nats.url);
    const idsAt = async (url: string): Promise<string[]> =>
      ((await (await fetch(`${url}/v1/devices?prefix=new`)).json()) as Page).devices.map(({ id }) => id);
    expect([await idsAt(door.url), await idsAt(other.url)]).toEqual([[], []]);
    for (const id of ['new-b', 'new-a']) await call(id, 'PUT', {});
    expect(await idsAt(door.url)).toEqual(['new-a', 'new-b']);
    await waitFor(async () => (await idsAt(other.url)).length === 2);
    await call('new-b', 'DELETE', undefined, other.url);
    expect(await idsAt(other.url)).toEqual(['new-a']);
    await waitFor(async () => (await idsAt(door.url)).length === 1);
    await call('new-a', 'DELETE');
    expect(await idsAt(door.url)).toEqual([]);
  });

  test('of many who write one entry at once each is answered, and one has the last word', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => call('many', 'PUT', { attributes: { n } })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    await call('many', 'DELETE');
  });

  test.each([
    ['a member that is none', { descripton: 'x' }],
    ['a tag that is no text', { tags: [1] }],
    ['an attribute that is an object', { attributes: { a: {} } }],
    ['no object', []],
  ])('%s is refused', async (_what, body) => {
    const response = await call('reg 2', 'PUT', body);
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'payload.invalid' }]);
    expect((await call('reg 2', 'GET')).status).toBe(404);
  });

  test.each([
    ['me', 'client-id.invalid'],
    ['a\0b', 'client-id.invalid'],
    ['x'.repeat(1_025), 'client-id.invalid'],
  ])('the id %.10j is refused', async (id, code) => {
    const response = await call(id, 'PUT', {});
    expect([response.status, await response.json()]).toMatchObject([400, { code }]);
  });

  test('a body that is too large is refused with 413, one that is no JSON with 400 or 415', async () => {
    const send = (body: string, type: string): Promise<number> =>
      fetch(`${door.url}/v1/devices/reg`, { method: 'PUT', body, headers: { 'content-type': type } }).then(
        ({ status }) => status,
      );
    expect(await send(JSON.stringify({ description: 'x'.repeat(70_000) }), 'application/json')).toBe(413);
    expect(await send('{', 'application/json')).toBe(400);
    expect(await send('{}', 'text/xml')).toBe(415);
  });
});

describe('what is listed', () => {
  const ids = async (query: string): Promise<string[]> => (await list(query)).devices.map(({ id }) => id);

  test('by prefix, by tags and by being online, page by page', async () => {
    const put = (id: string, tags: string[]): Promise<Response> =>
      fetch(`${door.url}/v1/devices/${id}`, {
        method: 'PUT',
        body: JSON.stringify({ tags }),
        headers: { 'content-type': 'application/json' },
      });
    for (let n = 0; n < 6; n++) await put(`f-${n}`, n % 2 === 0 ? ['even', 'f'] : ['odd', 'f']);
    expect(await ids('?prefix=f-')).toEqual(['f-0', 'f-1', 'f-2', 'f-3', 'f-4', 'f-5']);
    expect(await ids('?tag=f&tag=odd')).toEqual(['f-1', 'f-3', 'f-5']);
    expect(await ids('?online=true')).toEqual(IDS);
    expect(await ids('?online=false')).toEqual(['f-0', 'f-1', 'f-2', 'f-3', 'f-4', 'f-5']);
    expect(await ids('?online=true&tag=f')).toEqual([]);
    expect(await ids('?prefix=pump')).toEqual(['pump 7', 'pump.1']);
    expect(await ids('?prefix=nobody')).toEqual([]);
    const first = await list('?tag=odd&limit=2');
    expect([first.devices.map(({ id }) => id), first.next]).toEqual([['f-1', 'f-3'], 'f-3']);
    const second = await list('?tag=odd&limit=2&after=f-3');
    expect([second.devices.map(({ id }) => id), second.next]).toEqual([['f-5'], undefined]);
    expect(await ids('?prefix=f-&after=a')).toHaveLength(6);
    expect(await ids('?prefix=f-&after=g')).toEqual([]);
  });

  test('follows the presence that the routers write, without reading everything again', async () => {
    const bucket = door.bus.bucket('devices');
    await list();
    bucket.entries = () => Promise.reject(new Error('read everything'));
    await bucket.put(presenceKey('later'), recordOf('later', 9));
    await waitFor(async () => (await ids('?prefix=later')).length === 1);
    await bucket.delete(presenceKey('later'));
    await waitFor(async () => (await ids('?prefix=later')).length === 0);
  });

  test('is not told from memory while NATS is away', async () => {
    const port = await freePort();
    await using ownNats = await startNats({ port });
    await using own = await startDoor(ownNats.url);
    await fetch(`${own.url}/v1/devices/a`, {
      method: 'PUT',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    const ask = async (): Promise<unknown> => {
      const response = await fetch(`${own.url}/v1/devices`);
      return response.status === 200
        ? ((await response.json()) as Page).devices.map(({ id }) => id)
        : [response.status, response.headers.get('retry-after')];
    };
    expect(await ask()).toEqual(['a']);
    await ownNats.kill();
    await waitFor(() => !own.bus.up);
    expect(await ask()).toEqual([503, '1']);
    await ownNats.restart();
    await waitFor(async () => JSON.stringify(await ask()) === '["a"]', { timeoutMs: 45_000 });
  });
});
