import { createWills, WILL_ROOT, type Wills } from '../accounts/wills.ts';
import type { QoS } from '../mqtt/packets.ts';
import type { World } from '../world.ts';
import type { Door } from './client.ts';
import { createActor, createChanger, type Actor, type Manner } from './manners.ts';
import { createPeeker, type Peeker } from './peeker.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { createSubscriber, type Subscriber, type Wish } from './subscriber.ts';
import { RARE } from '../traffic.ts';
import { createWillClient, type WillClient } from './will-client.ts';

export interface FleetOptions {
  readonly publishers: number;
  readonly subscribers: number;
  /** Publishers are at the first, subscribers at the second; they go to the other one now and then. */
  readonly doors: readonly Door[];
  /** The door that nobody harms: wills are looked for there. */
  readonly observer: Door;
  /** Of all client ids, so that a broker's sessions from before are not met again. */
  readonly prefix: string;
}

/** Everybody who talks to the hub. */
export interface Fleet {
  readonly publishers: readonly Publisher[];
  /** Those of them that stay connected of their own accord. */
  readonly steady: readonly Publisher[];
  readonly subscribers: readonly Subscriber[];
  readonly actors: readonly Actor[];
  readonly willClients: readonly WillClient[];
  readonly watcher: Subscriber;
  readonly peeker: Peeker;
  readonly wills: Wills;
  /** Until then everybody only connects. */
  begin(): void;
  tick(): void;
  stop(): void;
}

/** The first three, and every other three after them, are steady. */
const PUBLISHER_MANNERS: readonly (readonly Manner[])[] = [
  ...[[], [], []],
  ...([
    ['drops', 'moves'],
    ['leaves', 'drops'],
    ['moves', 'freezes'],
  ] as const),
];
const SUBSCRIBER_MANNERS: readonly (readonly Manner[])[] = [
  [],
  ['leaves', 'drops'],
  ['moves'],
  ['subscribes', 'subscribes', 'subscribes', 'moves'],
  ['freezes'],
  [],
  ['leaves', 'drops', 'moves', 'freezes', 'subscribes'],
  ['subscribes', 'subscribes', 'drops', 'leaves'],
];
const WILL_CLIENTS_A_DOOR = 4;
const ANSWER_DELAYS_MS = [0, 150, 0, 40];

export function createFleet(world: World, options: FleetOptions): Fleet {
  const { doors, observer, prefix } = options;
  const wills = createWills(world);
  const client = (name: string, home: number, wanders: boolean) => ({
    ...{ name, clientId: `${prefix}-${name}`, doors, home: home % doors.length, wanders, clean: false },
  });
  const publishers = range(options.publishers).map((n) => {
    const streams = topicsOf(n).flatMap(({ topic, retain }) =>
      qosOf(n).map((qos) => world.messages.open(`p${n}`, retain ? `${topic}${qos}` : topic, qos, retain)),
    );
    return createPublisher(world, client(`p${n}`, 0, n % 3 === 1), streams);
  });
  const subscribers = range(options.subscribers).map((n) => {
    const answerDelayMs = ANSWER_DELAYS_MS[n % ANSWER_DELAYS_MS.length] ?? 0;
    const subscriber = createSubscriber(world, { ...client(`s${n}`, 1, n % 3 === 2), answerDelayMs });
    for (const wish of wishesOf(n, options.publishers)) subscriber.subscribe(wish);
    return subscriber;
  });
  const watcher = createSubscriber(world, {
    ...{ ...client('watcher', 0, false), doors: [observer], answerDelayMs: 0 },
    other: (topic, payload) => wills.arrived(topic, payload),
  });
  watcher.subscribe({ filter: `${WILL_ROOT}/#`, qos: 2 });
  const actors = [
    ...publishers.map((one, n) =>
      createActor(world, one.client, PUBLISHER_MANNERS[n % PUBLISHER_MANNERS.length] ?? []),
    ),
    ...subscribers.map((one, n) => {
      const change = createChanger(world, one, extrasOf(n));
      return createActor(world, one.client, SUBSCRIBER_MANNERS[n % SUBSCRIBER_MANNERS.length] ?? [], change);
    }),
  ];
  const willClients = doors.flatMap((_door, home) =>
    range(WILL_CLIENTS_A_DOOR).map((n) =>
      createWillClient(world, wills, {
        ...client(`w${home}-${n}`, home, false),
        doors,
        clean: n % 2 === 1,
        // At both QoS: a second copy of a will at QoS 2 cannot be a repeated delivery.
        ...{ qos: n < 2 ? 1 : 2, retain: n % 2 === 0, isPatient: n !== 3 },
      }),
    ),
  );
  const peeker = createPeeker(world, { doors, prefix });
  for (const one of [...publishers, ...subscribers, watcher]) one.client.come();

  return {
    ...{ publishers, subscribers, actors, willClients, watcher, peeker, wills },
    steady: publishers.filter((_one, n) => PUBLISHER_MANNERS[n % PUBLISHER_MANNERS.length]?.length === 0),
    begin() {
      for (const one of [...actors, ...willClients, peeker]) one.begin();
    },
    tick() {
      for (const { client } of publishers) client.tick();
      for (const one of subscribers) one.tick();
      for (const one of willClients) one.tick();
      watcher.tick();
      peeker.tick();
      for (const one of actors) one.tick();
    },
    stop() {
      peeker.stop();
      for (const { client } of [...publishers, ...subscribers, ...willClients, watcher]) client.stop();
    },
  };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** QoS 1, QoS 2, or both on the same topics. */
function qosOf(publisher: number): QoS[] {
  return ([[1], [2], [1, 2]] as QoS[][])[publisher % 3] ?? [];
}

function topicsOf(publisher: number): { topic: string; retain: boolean }[] {
  return [
    { topic: `chaos/p${publisher}/a`, retain: false },
    { topic: `chaos/p${publisher}/b/c`, retain: false },
    { topic: `chaos/p${publisher}/state`, retain: true },
    { topic: `chaos/p${publisher}/${RARE}`, retain: true },
  ];
}

/** What a subscriber wants all the time. Some filters overlap, with different QoS. */
function wishesOf(subscriber: number, publishers: number): Wish[] {
  const qos: QoS = Math.floor(subscriber / 2) % 2 === subscriber % 2 ? 2 : 1;
  switch (subscriber % 4) {
    case 0:
      return [{ filter: 'chaos/#', qos }];
    case 1:
      return range(publishers).map((n) => ({ filter: `chaos/p${n}/a`, qos }));
    case 2:
      return [
        { filter: 'chaos/+/b/+', qos },
        { filter: 'chaos/p2/#', qos: 2 },
      ];
    default:
      return [
        { filter: 'chaos/p1/+', qos },
        { filter: 'chaos/+/a', qos: 1 },
        { filter: 'chaos/p2/a', qos: 2 },
      ];
  }
}

/** What a subscriber wants now and then. */
function extrasOf(subscriber: number): Wish[] {
  return [
    { filter: 'chaos/+/+', qos: 2 },
    { filter: 'chaos/p0/state1', qos: 1 },
    { filter: 'chaos/p1/#', qos: 2 },
    { filter: 'chaos/p2/b/c', qos: subscriber % 2 === 0 ? 2 : 1 },
    { filter: `chaos/extra/${subscriber}`, qos: 1 },
  ];
}
