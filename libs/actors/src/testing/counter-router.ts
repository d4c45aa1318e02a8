import { connectBus } from '@trivium/bus';
import { encodeToken } from '@trivium/contracts';
import { hostActor } from '../actor.ts';
import { startActors } from '../actors.ts';
import { type CounterEffect, defineCounter } from './counter.ts';
import { silent } from './silent.ts';

/**
 * A process that runs counters until SIGTERM. Arguments: NATS' address, time to live of leases in ms. Each effect is stored as
 * `tv1.a.<id>` with `{n, by}`. Prints `held <n>` whenever the number of partitions changes.
 */
const [url = '', ttl = '6000'] = process.argv.slice(2);

const bus = await connectBus({ config: { url, name: 'counter-router' }, logger: silent });
const utf8 = new TextEncoder();
const counter = hostActor(defineCounter(), async ({ n }: CounterEffect, { id }) => {
  await bus.publisher.store(`tv1.a.${encodeToken(id)}`, utf8.encode(JSON.stringify({ n, by: process.pid })));
});
const actors = startActors({ bus, logger: silent, actors: [counter], leaseTtlMs: Number(ttl) });

let held = -1;
const watch = setInterval(() => {
  if (actors.partitionsHeld !== held) console.log(`held ${(held = actors.partitionsHeld)}`);
}, 5);

process.once('SIGTERM', () => {
  clearInterval(watch);
  void actors.close().then(() => bus.close());
});
