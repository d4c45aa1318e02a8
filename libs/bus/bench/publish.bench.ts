/** Rates of the bus against its own nats-server, as JSON: compare runs on one machine by ratio. */
import { startNats } from '@trivium/testing';
import { connectBus, type Logger } from '../src/index.ts';

const COUNT = 200_000;
const WINDOW = 2_000;
const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const payload = new Uint8Array(64);

await using nats = await startNats();
const bus = await connectBus({ config: { url: nats.url, name: 'bench' }, logger: quiet });

async function rate(run: () => Promise<void>): Promise<{ perSecond: number; cpuSecondsPerMillion: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: Math.round(COUNT / seconds), cpuSecondsPerMillion: (user + system) / COUNT };
}

const durable = await rate(
  () =>
    new Promise((resolve) => {
      let sent = 0;
      let stored = 0;
      const sink = {
        stored() {
          if (++stored === COUNT) resolve();
          else send();
        },
        failed: (_token: number, code: string) => {
          throw new Error(code);
        },
      };
      const send = (): void => {
        if (sent < COUNT)
          bus.publisher.durable(`tv1.m.1.bench.t${sent % 50}`, payload, undefined, sink, sent++);
      };
      for (let i = 0; i < WINDOW; i++) send();
    }),
);
const follow = await rate(
  () =>
    new Promise((resolve) => {
      const follower = bus.follow({
        stream: 'MESSAGES',
        after: 0,
        onMessage(pos) {
          if (pos < COUNT) return;
          follower.close();
          resolve();
        },
      });
    }),
);
const live = await rate(
  () =>
    new Promise((resolve) => {
      let sent = 0;
      let seen = 0;
      const send = (): void => {
        for (let i = 0; i < 100 && sent < COUNT; i++)
          bus.publisher.live(`tv1.m.0.bench.t${sent++ % 50}`, payload);
      };
      const sub = bus.live.subscribe('tv1.m.0.*.>', () => {
        if (++seen % 100 === 0) send();
        if (seen === COUNT) resolve(sub.close());
      });
      void bus.live.flush().then(() => Array.from({ length: 20 }, send));
    }),
);
console.log(JSON.stringify({ durable, follow, live }, undefined, 2));
await bus.close();
