import { connectBus } from '@trivium/bus';
import { doorLeaseKey, encodeJson, SessionRecord, sessionKey } from '@trivium/contracts';
import { startNats, waitFor } from '@trivium/testing';
import { createRouter } from '../src/router.ts';
import { routerConfig } from '../src/testing/router-config.ts';
import { sessionRecord, silent, startSessionDoor, will } from '../src/testing/session-door.ts';

/** How long it takes to settle 10,000 sessions of a dead door, from the end of its lease, half of them with a will. Prints JSON. */
const SESSIONS = 10_000;
const config = { ...routerConfig, leaseTtlMs: 6_000 };
const AT_ONCE = 2_000;

await using nats = await startNats();
const bus = await connectBus({
  config: { url: nats.url, name: 'bench', maxOpenPublishes: AT_ONCE * 2 },
  logger: silent,
});
const own = await connectBus({ config: { url: nats.url, name: 'router' }, logger: silent });
const router = createRouter({ bus: own, config, logger: silent });
await waitFor(() => router.actors.partitionsHeld === 32, { timeoutMs: 60_000 });
const door = await startSessionDoor(nats.url, 6_000);
for (let from = 0; from < SESSIONS; from += AT_ONCE) {
  const written = Array.from({ length: AT_ONCE }, (_, i) => {
    const client = `client-${from + i}`;
    const record = sessionRecord({
      ...{ door: door.name, connection: 'c', clean: i % 4 === 0 },
      ...(i % 2 === 0 ? { will: will(`gone/${client}`) } : {}),
    });
    return bus.bucket('sessions').put(sessionKey(client), encodeJson(SessionRecord, record));
  });
  await Promise.all(written);
}
await waitFor(() => router.sessions.size === SESSIONS, { timeoutMs: 60_000 });
await bus.bucket('leases').delete(doorLeaseKey(door.name));
await door.dies();
const begun = performance.now();
const cpu = process.cpuUsage();
await waitFor(() => router.deadSessions.stats.settled === SESSIONS, { timeoutMs: 120_000 });
const seconds = (performance.now() - begun) / 1_000;
const { user, system } = process.cpuUsage(cpu);
const { settled, wills } = router.deadSessions.stats;
console.log(
  JSON.stringify(
    {
      bench: 'router/dead-door',
      settled,
      wills,
      graceMs: config.doorGraceMs,
      secondsFromLease: Number(seconds.toFixed(2)),
      cpuSeconds: Number(((user + system) / 1e6).toFixed(2)),
    },
    undefined,
    2,
  ),
);
await router.close();
await own.close();
await bus.close();
