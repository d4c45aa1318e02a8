import { setTimeout as sleep } from 'node:timers/promises';
import { isInForce, matches } from './accounts/filters.ts';
import { NEVER, sentMs, type Stream } from './accounts/messages.ts';
import type { Door } from './clients/client.ts';
import type { Fleet } from './clients/fleet.ts';
import { createPublisher, type Publisher } from './clients/publisher.ts';
import { checkRetained } from './retained-check.ts';
import type { World } from './world.ts';

export interface ClosingOptions {
  readonly doors: readonly Door[];
  readonly prefix: string;
  /** Without progress for so long what is missing is given up. */
  readonly stallMs: number;
  /** How long it is watched that nothing more comes when everything has come. */
  readonly quietMs: number;
  progress(line: string): void;
  /** Called every few milliseconds while the closing waits. */
  also(tick: () => void): void;
}

/**
 * The end of a run: everybody comes back, everything drains, the sessions move to the other door, probes reach every filter,
 * retained messages are what they should be. Whatever is not so is put down.
 */
export async function close(world: World, fleet: Fleet, options: ClosingOptions): Promise<void> {
  const { findings, messages, trace, now } = world;
  const { publishers, subscribers, willClients, actors } = fleet;

  /** Waits until `left` is 0; as long as it, or what arrives, changes, it goes on. */
  const drain = async (what: string, left: () => number): Promise<boolean> => {
    let since = now();
    let seen = '';
    for (;;) {
      const remaining = left();
      if (remaining === 0) return true;
      const state = `${remaining} ${world.tally.deliveries} ${messages.acknowledged}`;
      if (state !== seen) [seen, since] = [state, now()];
      if (now() - since > options.stallMs) {
        options.progress(`${what}: ${remaining} left, nothing moves any more`);
        return false;
      }
      await sleep(50);
    }
  };

  const notOpen = () => [...publishers, ...subscribers].filter(({ client }) => !client.isOpen);
  const missing = (): number => subscribers.reduce((sum, { receipts }) => sum + receipts.missing().length, 0);
  const openExchanges = (): number =>
    subscribers.reduce((sum, { openExchanges, openRequests }) => sum + openExchanges + openRequests, 0);
  const unacknowledged = (of: readonly Publisher[]): number => of.reduce((sum, { open }) => sum + open, 0);

  const allBack = async (): Promise<void> => {
    if (await drain('clients', () => notOpen().length)) return;
    for (const { client } of notOpen()) {
      findings.add({ kind: 'not back', text: client.name, ms: now(), client: client.number });
    }
  };

  options.progress('everybody comes back');
  for (const actor of actors) actor.settle();
  fleet.peeker.stop();
  await allBack();
  for (const one of willClients) one.retire();
  await drain('publishes', () => unacknowledged(publishers));
  await drain('messages', missing);
  await drain('QoS 2 exchanges and SUBSCRIBEs', openExchanges);

  options.progress('every session goes to the other door');
  const away = new Map(
    subscribers.map((one) => [one, options.doors.findIndex(({ part }) => part !== one.client.door.part)]),
  );
  for (const { client } of subscribers) client.disconnect();
  await drain('disconnects', () => subscribers.filter(({ client }) => client.isOpen).length);
  for (const [{ client }, door] of away) client.come(Math.max(0, door));
  await allBack();
  await sleep(options.quietMs);

  options.progress('probes for every filter');
  const probes = probeStreams(world, fleet);
  const [door] = options.doors;
  const name = 'prober';
  const prober = createPublisher(
    world,
    {
      name,
      clientId: `${options.prefix}-${name}`,
      doors: door ? [door] : [],
      home: 0,
      wanders: false,
      clean: false,
    },
    probes,
  );
  options.also(prober.client.tick);
  prober.client.come();
  const unsent = new Set(probes);
  await drain('probes', () => {
    for (const stream of unsent) if (prober.publish(stream)) unsent.delete(stream);
    return unsent.size + prober.open;
  });
  await drain('messages', missing);
  await sleep(options.quietMs);

  options.progress('retained messages');
  await checkRetained(world, fleet.wills, options);

  await drain('wills', () => fleet.wills.awaited);
  fleet.wills.judge();
  for (const { client, receipts, filters } of subscribers) {
    for (const { stream, seq } of receipts.missing()) {
      const about = { client: client.number, stream: stream.index, seq };
      if (stream.publisher !== name) {
        findings.add({ kind: 'lost', text: client.name, ms: sentMs(trace, stream, seq), ...about });
        continue;
      }
      const due = [...filters.all].filter(
        ([filter, terms]) => matches(filter, stream.topic) && terms.some(isInForce),
      );
      const text = `${client.name}: ${due.map(([filter]) => filter).join(', ')}`;
      findings.add({ kind: 'subscription gone', text, ms: now(), ...about });
    }
  }
  for (const stream of messages.streams) {
    stream.acknowledgedAt.forEach((at, index) => {
      if (at !== NEVER) return;
      const about = { stream: stream.index, seq: index + 1, ms: sentMs(trace, stream, index + 1) };
      findings.add({ kind: 'not acknowledged', text: stream.publisher, ...about });
    });
  }
  prober.client.stop();
}

/** For every filter of anybody a topic of its own, at both QoS; topics of filters that were given up must not arrive. */
function probeStreams({ messages }: World, { subscribers }: Fleet): Stream[] {
  const filters = new Set(subscribers.flatMap((one) => [...one.filters.all.keys()]));
  return [...filters].flatMap((filter, n) => {
    const topic = filter.replaceAll('+', `probe${n}`).replace('#', `probe${n}/x`);
    return ([1, 2] as const).map((qos) => messages.open('prober', topic, qos, false));
  });
}
