import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { createClient, Client } from '@trivium/client';
import { repoRoot, waitFor } from '@trivium/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { startBrowser, type OpenPage, type RealBrowser } from './browser/real-browser.ts';
import { serveCheckout, type StaticServer } from './browser/static-server.ts';
import { ECHO_DEVICES } from './clients/command-devices.ts';
import { openTrivium } from './clients/trivium-ws.ts';

/** `libs/client` as one file for browsers, in pages that call devices and are devices. */
const hub = inject('hub');
const PAGE = `<!doctype html><title>commands</title><link rel="icon" href="data:," />
<script type="module">
  import { createClient } from '/libs/client/dist/trivium-client.js';
  globalThis.createClient = createClient;
</script>`;

/** What a page holds, seen from within. */
interface InPage {
  createClient: typeof createClient;
  client: Client;
}

let browser: RealBrowser;
let server: StaticServer;
beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'build', '-w', '@trivium/client'], { cwd: repoRoot() });
  server = await serveCheckout({ '/': PAGE });
  browser = await startBrowser();
}, 240_000);
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** A page that is a device: it answers `sum` with the sum of the numbers. */
async function openPage(clientId: string): Promise<OpenPage> {
  const opened = await browser.open(server.url);
  await opened.page.evaluate(
    async ([url, id]) => {
      const page = globalThis as unknown as InPage;
      page.client = page.createClient({ url, clientId: id });
      page.client.onCommand('sum', ({ payload }) => ({
        sum: (payload as number[]).reduce((a, b) => a + b, 0),
      }));
      await new Promise((resolve) => page.client.on('connected', resolve));
    },
    [`ws://${hub.host}:${hub.ws}/`, clientId] as const,
  );
  return opened;
}

/** What the page is answered by a device. */
const calledFrom = ({ page }: OpenPage, device: string, name: string, payload: unknown): Promise<unknown> =>
  page.evaluate(
    async ([to, what, given]) => {
      const { client } = globalThis as unknown as InPage;
      return (await client.command(to as string, what as string, given, { timeoutMs: 60_000 })).payload;
    },
    [device, name, payload] as const,
  );

it('a page is a device, for another page and for any client', async () => {
  const [device, caller] = [await openPage('page device'), await openPage('page caller')];
  expect(await calledFrom(caller, 'page device', 'sum', [1, 2, 39])).toEqual({ sum: 42 });
  await using plain = await openTrivium(`ws://${hub.host}:${hub.ws}/`);
  const cmd = {
    op: 'cmd',
    device: 'page device',
    name: 'sum',
    payload: [1],
    contentType: 'application/json',
  };
  const reply = { op: 'reply', payload: { sum: 1 }, contentType: 'application/json' };
  expect(await plain.ask({ ...cmd, timeoutMs: 60_000 })).toMatchObject(reply);
  await device.page.close();
  // What came to the page before the hub saw it go is not answered, what comes after is refused.
  await waitFor(async () => (await plain.ask({ ...cmd, timeoutMs: 1_000 }))['code'] !== 'device.no-answer', {
    timeoutMs: 60_000,
  });
  expect(['device.offline', 'device.unknown']).toContain(
    (await plain.ask({ ...cmd, timeoutMs: 60_000 }))['code'],
  );
  expect([device.complaints, caller.complaints]).toEqual([[], []]);
  await caller.page.close();
});

it.each(ECHO_DEVICES)('a page calls a device of $name', async ({ name, open }) => {
  const id = `called by a page: ${name}`;
  await using _device = await open(hub, id);
  const caller = await openPage('page caller');
  expect(await calledFrom(caller, id, 'echo', 'abc')).toBe('cba');
  expect(caller.complaints).toEqual([]);
  await caller.page.close();
});
