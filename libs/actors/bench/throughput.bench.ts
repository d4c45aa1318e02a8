import { connectBus } from '@trivium/bus';
import { startNats, waitFor } from '@trivium/testing';
import { hostActor, startActors } from '../src/index.ts';
import { defineCounter } from '../src/testing/counter.ts';
import { silent } from '../src/testing/silent.ts';

/**
 * A backlog of events worked through by one router: every event in a snapshot that NATS has stored. Two shapes: each event of a
 * device of its own (a write per event), and many events per device (writes folded). Prints JSON.
 */
const EVENTS = 20_000;

async function measure(devices: number): Promise<object> {
  await using nats = await startNats();
  const bus = await connectBus({
    config: { url: nats.url, name: 'bench', maxOpenPublishes: EVENTS },
    logger: silent,
  });
  const utf8 = new TextEncoder();
  const stored: Promise<unknown>[] = [];
  for (let i = 0; i < EVENTS; i++) {
    const payload = utf8.encode(JSON.stringify({ n: Math.floor(i / devices) }));
    stored.push(bus.publisher.store(`tv1.e.subscribed.device-${i % devices}`, payload));
  }
  await Promise.all(stored);
  const actors = startActors({ bus, logger: silent, actors: [hostActor(defineCounter(), () => undefined)] });
  await waitFor(() => actors.stats.handled > 0);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await waitFor(() => actors.stats.handled === EVENTS && actors.stats.pending === 0, { timeoutMs: 60_000 });
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { snapshotWrites } = actors.stats;
  await actors.close();
  await bus.close();
  return {
    events: EVENTS,
    devices,
    eventsPerSecond: Math.round(EVENTS / seconds),
    snapshotWrites,
    cpuSecondsPerMillionEvents: Number(((user + system) / EVENTS).toFixed(1)),
  };
}

const results: object[] = [];
for (const devices of [EVENTS, 200]) results.push(await measure(devices));
console.log(JSON.stringify({ bench: 'actors/throughput', results }, undefined, 2));
