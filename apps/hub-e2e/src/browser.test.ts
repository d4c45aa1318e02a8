import { randomBytes } from 'node:crypto';
import { waitFor } from '@trivium/testing';
import type mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startBrowser, type OpenPage, type RealBrowser } from './browser/real-browser.ts';
import { serveCheckout, type StaticServer } from './browser/static-server.ts';
import { connectMqtt } from './clients/mqtt-js.ts';

const hub = inject('hub');
const WEBSOCKET = `ws://${hub.host}:${hub.ws}/mqtt`;

/** MQTT.js as it is made for browsers. */
const PAGE = `<!doctype html><title>MQTT.js</title><link rel="icon" href="data:," />
<script src="/node_modules/mqtt/dist/mqtt.min.js"></script>`;

type Heard = [topic: string, base64: string, qos: number];

/** What the page holds, seen from within. */
interface InPage {
  mqtt: typeof mqtt;
  client: mqtt.MqttClient;
  heard: Heard[];
}

let browser: RealBrowser;
let server: StaticServer;
beforeAll(async () => {
  server = await serveCheckout({ '/': PAGE });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function openClient(protocolVersion: 4 | 5, filter: string): Promise<OpenPage> {
  const opened = await browser.open(server.url);
  await opened.page.evaluate(
    async ([url, version, wanted]) => {
      const page = globalThis as unknown as InPage;
      page.heard = [];
      page.client = await page.mqtt.connectAsync(url, { protocolVersion: version, reconnectPeriod: 0 });
      page.client.on(
        'message',
        (topic, payload, { qos }) => void page.heard.push([topic, payload.toString('base64'), qos]),
      );
      await page.client.subscribeAsync(wanted, { qos: 2 });
    },
    [WEBSOCKET, protocolVersion, filter] as const,
  );
  return opened;
}

const heardBy = ({ page }: OpenPage): Promise<Heard[]> =>
  page.evaluate(() => (globalThis as unknown as InPage).heard);

/** By QoS: every byte, none, more than one chunk of anything on the way. */
const PAYLOADS = [
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
  new Uint8Array(0),
  randomBytes(300_000),
].map((bytes) => Buffer.from(bytes).toString('base64'));

describe.each([4, 5] as const)('MQTT.js (version %i) in a page of a real browser', (version) => {
  const root = `browser/${process.pid}/${version}`;

  it('publishes, and a client on TCP receives it', async () => {
    const tcp = await connectMqtt(`mqtt://${hub.host}:${hub.mqtt}`);
    const heard: Heard[] = [];
    tcp.on('message', (topic, payload, { qos }) => void heard.push([topic, payload.toString('base64'), qos]));
    await tcp.subscribeAsync(`${root}/up/+`, { qos: 2 });
    const opened = await openClient(version, `${root}/nothing`);
    await opened.page.evaluate(
      async ([topic, payloads]) => {
        const { client } = globalThis as unknown as InPage;
        for (const qos of [0, 1, 2] as const) {
          // Bytes as pages have them; MQTT.js takes them for what Node calls a Buffer.
          const bytes = Uint8Array.from(atob(payloads[qos]!), (char) => char.charCodeAt(0)) as Buffer;
          await client.publishAsync(`${topic}/${qos}`, bytes, { qos });
        }
      },
      [`${root}/up`, PAYLOADS] as const,
    );
    await waitFor(() => heard.length >= 3, { timeoutMs: 30_000 });
    expect(heard.toSorted(([a], [b]) => a.localeCompare(b))).toEqual(
      PAYLOADS.map((base64, qos) => [`${root}/up/${qos}`, base64, qos]),
    );
    expect(opened.complaints).toEqual([]);
    await opened.page.close();
    await tcp.endAsync();
  });

  it('receives what a client on TCP publishes', async () => {
    const opened = await openClient(version, `${root}/down/+`);
    const tcp = await connectMqtt(`mqtt://${hub.host}:${hub.mqtt}`);
    for (const qos of [0, 1, 2] as const)
      await tcp.publishAsync(`${root}/down/${qos}`, Buffer.from(PAYLOADS[qos]!, 'base64'), { qos });
    await waitFor(async () => (await heardBy(opened)).length >= 3, { timeoutMs: 30_000 });
    expect((await heardBy(opened)).toSorted(([a], [b]) => a.localeCompare(b))).toEqual(
      PAYLOADS.map((base64, qos) => [`${root}/down/${qos}`, base64, qos]),
    );
    expect(opened.complaints).toEqual([]);
    await opened.page.close();
    await tcp.endAsync();
  });
});
