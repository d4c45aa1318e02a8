import type { Ending } from '../clients/client.ts';
import type { Part } from '../harm/outages.ts';
import type { QoS, Will } from '../mqtt/packets.ts';
import type { World } from '../world.ts';

/** One connection with a will: it brings at most one, and whether it has to depends on how it ended. */
interface Life {
  readonly client: string;
  readonly clientNumber: number;
  readonly number: number;
  readonly topic: string;
  readonly retain: boolean;
  readonly door: Part;
  end: { readonly how: Ending; readonly acknowledged: boolean; readonly ms: number } | undefined;
  readonly arrivedAt: number[];
}

/** What has to come of a life: a will, none, or one at most because nobody outside can know. */
type Due = 'one' | 'none' | 'perhaps';

export interface Wills {
  /** The will of the next connection of `client`. */
  begin(client: { name: string; number: number; door: Part }, will: { qos: QoS; retain: boolean }): Will;
  ended(client: string, how: Ending, acknowledged: boolean): void;
  /** The connection of the client that was to be taken over has ended only now. */
  formerDropped(client: string): void;
  /** A message on a topic of wills; false when it is none that was ever given. */
  arrived(topic: string, payload: string): boolean;
  /** Whether a connection of the client has left a will that is still to come. */
  isAwaited(client: string): boolean;
  /** Wills that are still to come, and are not late yet. */
  readonly awaited: number;
  /** The will that came last on each topic. */
  readonly latest: ReadonlyMap<string, { readonly payload: string; readonly retain: boolean }>;
  /** Puts down what did not come, came twice or should not have come. */
  judge(): void;
}

export const WILL_ROOT = 'chaos-wills';

export function createWills({ findings, outages, pace, tally, now }: World): Wills {
  const lives = new Map<string, Life>();
  const lastOf = new Map<string, Life>();
  const latest = new Map<string, { payload: string; retain: boolean }>();
  const payloadOf = (client: string, number: number): string => `will ${client} ${number}`;

  const dueOf = ({ end }: Life): Due => {
    if (end === undefined) return 'none';
    switch (end.how) {
      case 'disconnected':
        return 'none';
      case 'perhaps disconnected':
        return 'perhaps';
      case 'dropped':
      case 'taken over':
      case 'ended':
      case 'no answer':
        return end.acknowledged ? 'one' : 'perhaps';
    }
  };

  const isAwaited = (life: Life): boolean => {
    if (dueOf(life) !== 'one' || life.arrivedAt.length > 0 || life.end === undefined) return false;
    return now() - outages.willClock(life.door, life.end.ms, now()) <= pace.willMs;
  };

  const judgeOne = (life: Life): void => {
    const { client, number, door, end, arrivedAt, clientNumber } = life;
    const about = { ms: end?.ms ?? now(), client: clientNumber };
    const text = `${client}, connection ${number} at ${door}, ${end?.how ?? 'open'}`;
    const due = dueOf(life);
    const [first] = arrivedAt;
    if (arrivedAt.length > 1) findings.add({ kind: 'will twice', text, ...about });
    if (due === 'none' && first !== undefined)
      findings.add({ kind: 'will after disconnect', text, ...about });
    if (due !== 'one' || end === undefined) return;
    if (first === undefined) return findings.add({ kind: 'will missing', text, ...about });
    const after = first - outages.willClock(door, end.ms, first);
    tally.slowestWillMs = Math.max(tally.slowestWillMs, after);
    if (after > pace.willMs)
      findings.add({ kind: 'will late', text: `${text}: after ${Math.round(after)} ms`, ...about });
  };

  return {
    begin({ name, number: clientNumber, door }, { qos, retain }) {
      const number = (lastOf.get(name)?.number ?? 0) + 1;
      const topic = `${WILL_ROOT}/${name}`;
      const payload = payloadOf(name, number);
      const life: Life = {
        client: name,
        clientNumber,
        number,
        topic,
        retain,
        door,
        end: undefined,
        arrivedAt: [],
      };
      lives.set(payload, life);
      lastOf.set(name, life);
      return { topic, payload, qos, retain };
    },
    ended(client, how, acknowledged) {
      const life = lastOf.get(client);
      if (life !== undefined) life.end = { how, acknowledged, ms: now() };
    },
    formerDropped(client) {
      for (const life of lives.values()) {
        if (life.client !== client || life.end?.how !== 'taken over' || life.arrivedAt.length > 0) continue;
        life.end = { ...life.end, ms: now() };
      }
    },
    arrived(topic, payload) {
      const life = lives.get(payload);
      if (life === undefined || life.topic !== topic) return false;
      life.arrivedAt.push(now());
      latest.set(topic, { payload, retain: life.retain });
      tally.wills++;
      return true;
    },
    isAwaited: (client) => [...lives.values()].some((life) => life.client === client && isAwaited(life)),
    get awaited() {
      return [...lives.values()].filter(isAwaited).length;
    },
    latest,
    judge: () => lives.forEach(judgeOne),
  };
}
