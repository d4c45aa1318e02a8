import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { repoRoot, waitFor } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser, type OpenPage, type RealBrowser } from './browser/real-browser.ts';
import { serveCheckout, type StaticServer } from './browser/static-server.ts';
import { connectMqtt } from './clients/mqtt-js.ts';
import { startHub, type TestHub } from './hub.ts';

/** `docs/examples/chat` as its README says, in a real browser. */
let hub: TestHub;
let browser: RealBrowser;
let server: StaticServer;
beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'build', '-w', '@trivium/client'], { cwd: repoRoot() });
  hub = await startHub();
  server = await serveCheckout();
  browser = await startBrowser();
}, 240_000);
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});

async function enter(who: string): Promise<OpenPage> {
  const { host, ws } = hub.addresses;
  const query = new URLSearchParams({ room: 'kitchen', hub: `ws://${host}:${ws}/` });
  const opened = await browser.open(`${server.url}/docs/examples/chat/?${query}`);
  await opened.page.fill('[name=who]', who);
  await connected(opened);
  return opened;
}

const connected = ({ page }: OpenPage) =>
  page.waitForFunction(`document.querySelector('[role=status]').textContent.startsWith('connected as ws-')`);

async function say({ page }: OpenPage, words: string): Promise<void> {
  await page.fill('[name=words]', words);
  await page.click('button');
}

const heard = ({ page }: OpenPage): Promise<string[]> => page.locator('li').allTextContents();

it('two pages chat with each other and with MQTT, and the death of the door takes nothing from them', async () => {
  const [anna, ben] = [await enter('Anna'), await enter('Ben')];
  await say(anna, 'hello');
  await waitFor(async () => (await heard(ben)).length === 1);
  await say(ben, 'hello yourself');
  await waitFor(async () => (await heard(anna)).length === 2);

  const { host, mqtt, admin } = hub.addresses;
  const tcp = await connectMqtt(`mqtt://${host}:${mqtt}`);
  await tcp.publishAsync('chat/kitchen', 'plain words', { qos: 1 });
  await waitFor(async () => (await heard(anna)).length === 3);

  const killed = hub.killAndWait('ws-ingress', admin.ws);
  await say(anna, 'are you there?');
  await tcp.publishAsync('chat/kitchen', 'said meanwhile', { qos: 1 });
  await killed;
  await waitFor(async () => (await heard(ben)).includes('Anna: are you there?'), { timeoutMs: 60_000 });
  await connected(anna);
  await say(ben, 'still here');

  for (const page of [anna, ben]) {
    await waitFor(async () => (await heard(page)).includes('Ben: still here'), { timeoutMs: 60_000 });
    const lines = await heard(page);
    expect(lines.slice(0, 3)).toEqual(['Anna: hello', 'Ben: hello yourself', 'plain words']);
    expect(lines.slice(3, -1).toSorted()).toEqual(['Anna: are you there?', 'said meanwhile']);
    expect(lines.at(-1)).toBe('Ben: still here');
  }
  await tcp.endAsync();
});
