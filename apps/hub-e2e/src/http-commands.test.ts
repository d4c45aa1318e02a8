import { tempDir, waitFor, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMqtt } from './clients/mqtt-js.ts';
import { isReady, startHub, TWO_DOORS, type TestHub } from './hub.ts';

let data: TempDir;
let hub: TestHub;
beforeAll(async () => {
  data = await tempDir();
  hub = await startHub({ args: TWO_DOORS, dataDir: data.path });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await data.remove();
});

const api = (path: string): string => `http://${hub.addresses.host}:${hub.addresses.http}${path}`;
const send = (device: string, query = '', body = 'in'): Promise<Response> =>
  fetch(api(`/v1/devices/${device}/commands/start${query}`), { method: 'POST', body });
const url = (port: number): string => `mqtt://${hub.addresses.host}:${port}`;

/** A device of MQTT.js that answers every command. */
async function device(
  port: number,
  clientId: string,
  protocolVersion: 4 | 5,
): Promise<{ end(): Promise<void> }> {
  const client = await connectMqtt(url(port), { clientId, protocolVersion });
  client.on('message', (topic, payload, { properties }) => {
    const responseTopic = properties?.responseTopic ?? `${topic}/reply`;
    client.publish(responseTopic, `${clientId} did ${payload.toString()}`, { qos: 1 });
  });
  return { end: () => client.endAsync() };
}

describe('a command by HTTP', () => {
  it.each([
    ['MQTT 5', 5],
    ['MQTT 3.1.1', 4],
  ] as const)('is answered by a device of %s, at either door', async (_name, version) => {
    for (const port of [hub.addresses.mqtt, hub.addresses.mqtt2]) {
      const id = `d-${version}-${port}`;
      const client = await device(port, id, version);
      const answer = await send(id);
      expect([answer.status, await answer.text()]).toEqual([200, `${id} did in`]);
      await client.end();
    }
  });

  it('is answered by a device that speaks only HTTP', async () => {
    const headers = { 'x-client-id': 'poller' };
    const polling = fetch(api('/v1/devices/me/commands?wait=60s'), { headers });
    const online = async (): Promise<boolean> => {
      const found = await fetch(api('/v1/devices/poller'));
      return found.ok && ((await found.json()) as { online: boolean }).online;
    };
    await waitFor(online, { message: 'the device to be online' });
    const answer = send('poller', '?timeout=20s', 'wake up');
    const { commands } = (await (await polling).json()) as {
      commands: { requestId: string; name: string; payload: string }[];
    };
    expect(commands).toMatchObject([{ name: 'start', payload: 'wake up' }]);
    const reply = api(`/v1/devices/me/commands/${commands[0]!.requestId}/reply`);
    expect((await fetch(reply, { method: 'POST', headers, body: 'awake' })).status).toBe(204);
    expect(await (await answer).text()).toBe('awake');
  });

  it('never enters the log: a subscriber of everything hears nothing of it', async () => {
    const ears = await connectMqtt(url(hub.addresses.mqtt));
    const heard: string[] = [];
    ears.on('message', (topic) => void heard.push(topic));
    await ears.subscribeAsync(['#', 'cmd/#'], { qos: 1 });
    const client = await device(hub.addresses.mqtt2, 'quiet', 5);
    expect((await send('quiet')).status).toBe(200);
    await ears.publishAsync('end', 'x', { qos: 1 });
    await waitFor(() => heard.includes('end'));
    expect(heard).toEqual(['end']);
    await client.end();
    await ears.endAsync();
  });

  it('waits for a device that is away, through kill -9 of the door that took it, the router and NATS', async () => {
    const first = await device(hub.addresses.mqtt, 'away', 5);
    expect((await send('away')).status).toBe(200);
    await first.end();
    await waitFor(async () => (await send('away')).status === 409, { message: 'the device to be away' });
    const queued = await Promise.all([1, 2, 3].map((n) => send('away', '?queue=1h', `job ${n}`)));
    const locations = queued.map((answer) => {
      expect(answer.status).toBe(202);
      return answer.headers.get('location')!;
    });
    for (const service of ['http-ingress', 'router', 'nats-server']) hub.kill(service);
    const { admin } = hub.addresses;
    for (const port of [admin.http, admin.router, admin.mqtt, admin.mqtt2])
      await waitFor(() => isReady(port), { timeoutMs: 60_000, message: `port ${port} to be ready` });
    const back = await device(hub.addresses.mqtt2, 'away', 4);
    for (const [n, location] of locations.entries()) {
      const record = await waitFor(
        async () => {
          const found = (await (await fetch(api(location))).json()) as {
            state: string;
            reply?: { payload: string };
          };
          return found.state === 'answered' ? found : undefined;
        },
        { timeoutMs: 60_000, message: `command ${n + 1} to be answered` },
      );
      expect(Buffer.from(record.reply!.payload, 'base64').toString()).toBe(`away did job ${n + 1}`);
    }
    await back.end();
  }, 180_000);
});
