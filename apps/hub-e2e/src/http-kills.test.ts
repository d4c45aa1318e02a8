import { EventSource } from 'eventsource';
import { startProcess, waitFor, type StartedProcess } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installed } from './clients/installed.ts';
import { connectMqtt, mqttJsSubscriber } from './clients/mqtt-js.ts';
import { startHub, type TestHub } from './hub.ts';

let hub: TestHub;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
});

const curl = installed('curl');
const httpUrl = (): string => `http://127.0.0.1:${hub.addresses.http}`;
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

/** `curl -N` on an event stream; run again with the last id that it has printed whenever its door is gone. */
async function curlStream(url: string) {
  const command = await curl();
  let past = '';
  let running: StartedProcess | undefined;
  let stopped = false;
  const printed = (): string => past + (running?.stdout() ?? '');
  const run = async (): Promise<void> => {
    while (!stopped) {
      const lastId = [...past.matchAll(/^id: (\d+)\n/gm)].at(-1)?.[1];
      const resume = lastId === undefined ? [] : ['-H', `Last-Event-ID: ${lastId}`];
      running = await startProcess({ command, args: ['-sN', ...resume, url] });
      await running.exited;
      // What was cut off in the middle of an event is none.
      const whole = printed();
      running = undefined;
      past = whole.slice(0, whole.lastIndexOf('\n\n') + 2);
    }
  };
  const ran = run();
  return {
    get isOpen() {
      return printed().includes(': connected');
    },
    payloads: () =>
      [...printed().matchAll(/^data: (.*)\n\n/gm)].map(
        ([, data]) => (JSON.parse(data!) as { payload: string }).payload,
      ),
    async [Symbol.asyncDispose]() {
      stopped = true;
      await running?.stop();
      await ran;
    },
  };
}

it('event streams go on through kill -9 of their door: an EventSource and curl get each message once, in order', async () => {
  const url = `${httpUrl()}/v1/stream?filter=${encodeURIComponent('sse/+/a')}&filter=sse/b`;
  const source = new EventSource(url);
  const seen: string[] = [];
  source.addEventListener('message', ({ data }) =>
    seen.push((JSON.parse(String(data)) as { payload: string }).payload),
  );
  await waitFor(() => source.readyState === source.OPEN);
  await using other = await curlStream(url);
  await waitFor(() => other.isOpen);
  const publisher = await connectMqtt(`mqtt://127.0.0.1:${hub.addresses.mqtt}`, {
    clientId: 'sse-publisher',
  });

  let stop = false;
  let sent = 0;
  const publishing = (async () => {
    for (; !stop; sent++)
      await publisher.publishAsync(sent % 2 === 0 ? 'sse/x/a' : 'sse/b', `${sent}`, { qos: 1 });
  })();
  for (let kills = 0; kills < 2; kills++) {
    const before = seen.length;
    await waitFor(() => seen.length > before + 50, {
      timeoutMs: 45_000,
      message: 'messages before the kill',
    });
    await hub.killAndWait('http-ingress', hub.addresses.admin.http);
  }
  const before = seen.length;
  await waitFor(() => seen.length > before + 50, { timeoutMs: 45_000, message: 'messages after the kills' });
  stop = true;
  await publishing;
  await waitFor(() => seen.length >= sent && other.payloads().length >= sent, {
    timeoutMs: 45_000,
    message: () => `${sent} messages at both, not ${seen.length} and ${other.payloads().length}`,
  });
  expect(seen).toEqual(numbers(sent));
  expect(other.payloads()).toEqual(numbers(sent));
  source.close();
  await publisher.endAsync();
}, 180_000);

it('a batch whose door is killed in the middle, sent again with its key, is stored once', async () => {
  const count = 4_000;
  const subscriber = mqttJsSubscriber('watcher', ({ mqtt }) => `mqtt://127.0.0.1:${mqtt}`);
  await using watcher = await subscriber.subscribe(hub.addresses, 'batch/#', 1);
  const lines = numbers(count).map((payload) => `${JSON.stringify({ topic: 'batch/a', payload, qos: 1 })}\n`);
  const send = (body: string | ReadableStream): Promise<Response> =>
    fetch(`${httpUrl()}/v1/messages`, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'the-batch' },
    });
  const sendAll = async (): Promise<string[] | undefined> => {
    try {
      const results = (await (await send(lines.join(''))).text()).split('\n').slice(0, -1);
      return results.length === count && results.every((line) => line.startsWith('{"ok":true'))
        ? results
        : undefined;
    } catch {
      return undefined;
    }
  };
  // The first try does not come to its end: the second half is never sent.
  const half = new ReadableStream({
    start: (body) => body.enqueue(Buffer.from(lines.slice(0, count / 2).join(''))),
  });
  const first = send(half)
    .then((response) => response.text())
    .catch(() => 'cut off');
  await waitFor(() => watcher.received.length > 0);
  hub.kill('http-ingress');
  expect(await first).toBe('cut off');
  const results = await waitFor(sendAll, { timeoutMs: 60_000, message: 'the batch to be taken' });
  const positions = results.map((line) => (JSON.parse(line) as { pos: number }).pos);
  expect(new Set(positions).size).toBe(count);
  await waitFor(() => watcher.received.length >= count, { timeoutMs: 45_000 });
  expect(await sendAll()).toEqual(results);
  const got = watcher.received.map(({ payload }) => Buffer.from(payload).toString());
  expect(got.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(count));
}, 180_000);
