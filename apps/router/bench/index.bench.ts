import { connectBus, type Bus } from '@trivium/bus';
import { encodeJson, SessionRecord, sessionKey } from '@trivium/contracts';
import { startNats, waitFor } from '@trivium/testing';
import { createRouter, type Router } from '../src/router.ts';
import { routerConfig } from '../src/testing/router-config.ts';
import { sessionRecord, silent } from '../src/testing/session-door.ts';

/**
 * What the position index costs per message of the log, with 10,000 sleeping sessions of three filters each: a backlog read by a router
 * that takes over all partitions, against the same backlog read by a follower that does nothing. Prints JSON.
 */
const SESSIONS = 10_000;
const config = { ...routerConfig, leaseTtlMs: 30_000 };
/** By how many of the sessions a message is for. */
const MESSAGES = { none: 300_000, one: 300_000, all: 5_000 } as const;
const AT_ONCE = 2_000;

async function inPortions(count: number, act: (i: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => act(from + i)));
}

const connect = (url: string): Promise<Bus> =>
  connectBus({ config: { url, name: 'bench', maxOpenPublishes: AT_ONCE * 2 }, logger: silent });

async function startRouter(url: string): Promise<{ router: Router; bus: Bus }> {
  const bus = await connect(url);
  const router = createRouter({ bus, config, logger: silent });
  await waitFor(() => router.positions.partitionsOpen === 32, { timeoutMs: 60_000 });
  return { router, bus };
}

interface Cost {
  seconds: number;
  microsecondsCpuEach: number;
}

async function costOf(count: number, work: () => Promise<unknown>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    seconds: Number(seconds.toFixed(2)),
    microsecondsCpuEach: Number(((user + system) / count).toFixed(2)),
  };
}

async function measure(matching: keyof typeof MESSAGES): Promise<object> {
  const messages = MESSAGES[matching];
  await using nats = await startNats();
  const bus = await connect(nats.url);
  await inPortions(SESSIONS, (i) => {
    const subscriptions = ['state', 'cmd/+', 'config/#'].map((rest) => ({
      filter: `site/${i}/${rest}`,
      qos: 1 as const,
      from: 0,
    }));
    if (matching === 'all') subscriptions.push({ filter: 'news/#', qos: 1, from: 0 });
    return bus
      .bucket('sessions')
      .put(sessionKey(`client-${i}`), encodeJson(SessionRecord, sessionRecord({ subscriptions })));
  });
  // A router writes checkpoints of what is there, so that the next one reads what follows.
  await bus.publisher.store('tv1.m.1.publisher.begin', new Uint8Array(64));
  const first = await startRouter(nats.url);
  const end = await bus.lastPos('MESSAGES');
  await waitFor(() => first.router.positions.totals.sessions === SESSIONS, { timeoutMs: 60_000 });
  await waitFor(
    async () => {
      await first.router.positions.work.giving(0);
      first.router.positions.work.gained([0]);
      return (await bus.bucket('positions').get('index.0')) !== undefined;
    },
    { timeoutMs: 60_000 },
  );
  await first.router.close();
  await first.bus.close();

  const payload = new Uint8Array(64);
  const topic = { none: 'other', one: 'site', all: 'news' }[matching];
  await inPortions(messages, (i) =>
    bus.publisher.store(`tv1.m.1.publisher.${topic}.${i % SESSIONS}.state`, payload),
  );
  const last = await bus.lastPos('MESSAGES');

  const following = await costOf(messages, async () => {
    const follower = bus.follow({ stream: 'MESSAGES', after: end, onMessage: () => undefined });
    await waitFor(() => follower.pos === last, { timeoutMs: 120_000 });
    follower.close();
  });
  const second = await connect(nats.url);
  const router = createRouter({ bus: second, config, logger: silent });
  const opening = await costOf(SESSIONS, () =>
    waitFor(() => router.positions.partitionsOpen === 32, { timeoutMs: 60_000 }),
  );
  const reading = await costOf(messages, () =>
    waitFor(() => router.positions.readUpTo >= last, { timeoutMs: 120_000 }),
  );
  const { totals } = router.positions;
  const { heapUsed } = process.memoryUsage();
  await router.close();
  await second.close();
  await bus.close();
  return {
    matching,
    messages,
    following,
    opening,
    reading,
    extraMicrosecondsPerMessage: Number(
      (reading.microsecondsCpuEach - following.microsecondsCpuEach).toFixed(2),
    ),
    totals,
    heapMegabytes: Math.round(heapUsed / 1e6),
  };
}

const results: object[] = [];
for (const matching of ['none', 'one', 'all'] as const) results.push(await measure(matching));
console.log(JSON.stringify({ bench: 'router/index', sessions: SESSIONS, results }, undefined, 2));
