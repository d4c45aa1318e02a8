import { waitFor } from '@trivium/testing';
import { describe, expect, it } from 'vitest';
import { connectMqtt } from './clients/mqtt-js.ts';
import { openTrivium } from './clients/trivium-ws.ts';
import { startHub, type HubAddresses } from './hub.ts';

interface Device {
  client: string;
  online: boolean;
  protocol?: string;
  reason?: string;
}

async function devices({ host, http }: HubAddresses): Promise<Map<string, Device>> {
  const answer = await fetch(`http://${host}:${http}/v1/devices`);
  const { devices } = (await answer.json()) as { devices: Device[] };
  return new Map(devices.map((device) => [device.client, device]));
}

describe('presence', () => {
  it('is right for every door, through the death of the router and of a door', async () => {
    await using hub = await startHub();
    const { addresses } = hub;
    const { host, mqtt, ws, aedes, admin } = addresses;
    const online = async (id: string): Promise<boolean | undefined> =>
      (await devices(addresses)).get(id)?.online;

    const one = await connectMqtt(`mqtt://${host}:${mqtt}`, { clientId: 'one' });
    const two = await connectMqtt(`mqtt://${host}:${aedes}`, { clientId: 'two' });
    const three = await openTrivium(`ws://${host}:${ws}/?clientId=three`);
    await waitFor(async () => (await online('one')) && (await online('two')) && (await online('three')), {
      timeoutMs: 60_000,
    });
    expect((await devices(addresses)).get('one')).toMatchObject({ protocol: 'mqtt3.1.1' });
    expect((await devices(addresses)).get('three')).toMatchObject({ protocol: 'trivium.v1' });

    // What happens while the router is dead is known after it.
    const router = hub.pidOf('router')!;
    const four = await hub.withoutRestarts(async () => {
      process.kill(router, 'SIGKILL');
      await one.endAsync();
      const client = await connectMqtt(`mqtt://${host}:${mqtt}`, { clientId: 'four' });
      expect(await online('one')).toBe(true);
      return client;
    });
    await waitFor(async () => (await online('one')) === false && (await online('four')) === true, {
      timeoutMs: 60_000,
    });
    expect(await online('two')).toBe(true);
    expect(hub.pidOf('router')).not.toBe(router);

    // A door that dies says nothing for its clients: the router does.
    four.on('error', () => undefined);
    await hub.killAndWait('mqtt-ingress', admin.mqtt);
    await waitFor(async () => (await online('four')) === false, {
      timeoutMs: 60_000,
      message: 'the door of client four to be missed',
    });
    expect(await online('two')).toBe(true);
    expect(await online('three')).toBe(true);

    await three[Symbol.asyncDispose]();
    await two.endAsync();
    await waitFor(async () => (await online('two')) === false && (await online('three')) === false, {
      timeoutMs: 60_000,
    });
    four.end(true);
  }, 300_000);
});
