import { isCommandTopic } from '@trivium/contracts';
import type { Explanation, MatchingSubscription } from './explanation.ts';
import type { Facts } from './facts.ts';
import type { Place } from './place.ts';
import type { Rights } from './rights.ts';

export type Verdict = Pick<Explanation, 'delivered' | 'verdict'>;

/** What it is said from: the rest of the explanation. */
export type Found = Pick<Explanation, 'decisions' | 'session' | 'subscriptions'>;

const yes = (why: string): Verdict => ({ delivered: 'yes', verdict: `is delivered: ${why}` });
const no = (why: string): Verdict => ({ delivered: 'no', verdict: `is not delivered: ${why}` });
const later = (why: string): Verdict => ({
  delivered: 'when-back',
  verdict: `is delivered when it is back: ${why}`,
});
const unknown = (why: string): Verdict => ({ delivered: 'unknown', verdict: `cannot be said: ${why}` });

/** Whether a message reaches the client, and why: the first reason that decides. */
export function verdictOf(facts: Facts, rights: Rights, place: Place, found: Found): Verdict {
  const { client, topic, principal } = facts;
  const { decisions, session, subscriptions } = found;
  if (rights.disabled) return no(`${principal.name} is disabled`);
  if (!decisions.connect.allowed) return no(`${decisions.connect.why} as «${client}»`);
  if (isCommandTopic(topic) && topic.startsWith(`cmd/${client}/`))
    return place.connected
      ? yes('a command reaches its device without a subscription')
      : no('it is not connected; a command waits for it only when that is asked for (?queue=)');
  if (!place.connected && session?.persistent !== true) return no(absent(facts));
  if (!decisions.receive.allowed) return no(decisions.receive.why);
  if (place.subscriptions === undefined) return unknown('its door does not say what it is subscribed to');
  if (subscriptions.length === 0) return no(unsubscribed(place.subscriptions.length));
  const allowed = subscriptions.filter(({ ruling }) => ruling !== 'refused');
  if (allowed.length === 0) return no(refused(subscriptions[0]!, found));
  const best = allowed.reduce((a, b) => (b.qos > a.qos ? b : a));
  if (place.connected) return yes(`${by(best)}, ${at(place)}`);
  if (session?.persistent !== true)
    return no('it is not connected, and its session ends with its connection');
  if (best.qos === 0) return no('it is not connected, and what it has subscribed to at QoS 0 is not kept');
  return later(`${by(best)}${behind(found)}`);
}

function absent({ presence, session }: Facts): string {
  if (session !== undefined) return 'it is not connected, and its session ends with its connection';
  if (presence === undefined) return 'nobody was ever connected by this id, and there is no session';
  return 'it is not connected, and there is no session that keeps messages for it';
}

function unsubscribed(subscriptions: number): string {
  if (subscriptions === 0) return 'it has no subscription';
  if (subscriptions === 1) return 'its only subscription does not match';
  return `none of its ${subscriptions} subscriptions matches`;
}

function refused({ filter, group }: MatchingSubscription, { decisions }: Found): string {
  const { subscribe } = decisions;
  if (!subscribe.allowed) return `${subscribe.why} to «${filter}»`;
  return `the group «${group}» shares «${filter}», of which its policies let it receive only a part`;
}

function by({ filter, group, qos }: MatchingSubscription): string {
  const whom = group === undefined ? '' : `, or another member of the group «${group}» gets it`;
  return `by «${filter}», at QoS ${qos}${whom}`;
}

function at({ service, host }: Place): string {
  return `at ${service ?? 'a door'}${host === undefined ? '' : ` on ${host}`}`;
}

function behind({ session }: Found): string {
  if (session === undefined || session.behind === 0) return '';
  const { missed } = session;
  const waiting = `; ${count(session.behind)} of the log came after its cursor`;
  return missed === 0 ? waiting : `${waiting}, the oldest ${missed} of them are not kept any more`;
}

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}
