import type { Random } from '../random.ts';
import type { Harm, Part } from './outages.ts';

/** What is done to the hub at once. */
export interface Kind {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly harm: Harm;
}

const kill = (name: string, ...parts: Part[]): Kind => ({ name, parts, harm: 'killed' });
const freeze = (name: string, part: Part): Kind => ({ name, parts: [part], harm: 'frozen' });

const PUBLISHERS_DOOR = kill("publishers' door", 'door 0');
const SUBSCRIBERS_DOOR = kill("subscribers' door", 'door 1');
const ROUTER = kill('router', 'router');
const NATS = kill('NATS', 'nats');

/** Twelve kills in which each kind comes as often as it should. */
const KILLS: readonly Kind[] = [
  ...[PUBLISHERS_DOOR, PUBLISHERS_DOOR, PUBLISHERS_DOOR],
  ...[SUBSCRIBERS_DOOR, SUBSCRIBERS_DOOR, SUBSCRIBERS_DOOR],
  ...[ROUTER, ROUTER],
  ...[NATS, NATS],
  kill('NATS and a door', 'nats', 'door 0'),
  kill('NATS and a door', 'nats', 'door 1'),
];
const FREEZES: readonly Kind[] = [freeze('door frozen', 'door 0'), freeze('door frozen', 'door 1')];

/** `count` kinds for parts that exist, in an order of the seed; the same number of each as far as it goes. */
export function chooseKinds(
  count: number,
  parts: ReadonlySet<Part>,
  withFreezes: boolean,
  random: Random,
): Kind[] {
  const deck = [...KILLS, ...(withFreezes ? FREEZES : [])].filter((kind) =>
    kind.parts.every((part) => parts.has(part)),
  );
  const kinds: Kind[] = [];
  while (kinds.length < count && deck.length > 0) kinds.push(...random.shuffle(deck));
  return kinds.slice(0, count);
}
