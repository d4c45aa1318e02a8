import type { ErrorCode, TopicFilter } from '@trivium/contracts';
import { parseFilter, parseShare, toMqttReason } from '@trivium/contracts';
import { encodeSuback, encodeUnsuback } from './codec/encode.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { SubscribePacket, UnsubscribePacket } from './codec/packets.ts';
import { explained } from './explained.ts';
import type { OpenSession, SessionRules, SessionStep, SessionView } from './session.ts';
import { storedBytes, type RequestedSubscription } from './subscription.ts';

/** In a SUBACK of 3.1.1: this filter was refused [MQTT3-3.9.3-2]. */
const REFUSED = 0x80;
const NO_SUBSCRIPTION_EXISTED = 0x11;

/** SUBSCRIBE: SUBACK waits until the subscriptions are active. A filter that the door does not take is refused by itself. */
export function onSubscribe(
  session: OpenSession,
  { packetId, requests, properties }: SubscribePacket,
  rules: SessionRules,
  view: SessionView,
): SessionStep {
  const { client } = session;
  const known = view.subscriptions;
  const id = properties?.subscriptionIds?.[0];
  const subscriptions: RequestedSubscription[] = [];
  const added = new Set<TopicFilter>();
  let bytes = view.storedBytes ?? -Infinity;
  const codes = requests.map(({ filter: raw, qos, noLocal, retainAsPublished, retainHandling }) => {
    const shared = parseShare(raw, rules.topicLimits);
    if (!shared.ok) return refusal(client.level, shared.error.code);
    const share = shared.value;
    const parsed = share === undefined ? parseFilter(raw, rules.topicLimits) : undefined;
    if (parsed?.ok === false) return refusal(client.level, parsed.error.code);
    if (view.rulingOn(share?.filter ?? raw, share !== undefined) === 'refused')
      return refusal(client.level, 'auth.denied');
    const filter = raw as TopicFilter;
    const isNew = !known.has(filter) && !added.has(filter);
    if (isNew && known.size + added.size >= rules.maxSubscriptions)
      return refusal(client.level, 'quota.exceeded');
    // Before MQTT 5, and with retain handling 0, retained messages come again also with a filter that was there [MQTT3-3.8.4-3].
    const wantsRetained = retainHandling === 0 || (retainHandling === 1 && isNew); // [MQTT-3.3.1-9] to [MQTT-3.3.1-11] of MQTT 5
    const sendRetained = wantsRetained && share === undefined; // section 4.8.2
    const subscription = {
      ...{ filter, qos, sendRetained, noLocal, retainAsPublished },
      ...(id === undefined ? {} : { id }),
      ...(share === undefined ? {} : { share }),
    };
    if (isNew) {
      const more = storedBytes(subscription);
      if (bytes + more > rules.maxSessionBytes) return refusal(client.level, 'quota.exceeded');
      bytes += more;
      added.add(filter);
    }
    subscriptions.push(subscription);
    return qos;
  });
  // One code for each filter, in order, with the packet id of the SUBSCRIBE [MQTT3-3.8.4-2], [MQTT3-3.8.4-5].
  const no = codes.find((code) => code >= REFUSED);
  const suback = explained(client, no, undefined, (why) => encodeSuback(client.level, packetId, codes, why));
  if (subscriptions.length === 0) return { session, effects: [{ do: 'send', packet: suback }] };
  return {
    session: { phase: 'answering', client, answer: suback },
    effects: [{ do: 'subscribe', subscriptions }],
  };
}

function refusal(level: ProtocolLevel, code: ErrorCode): number {
  return level < 5 ? REFUSED : toMqttReason(code, 'suback');
}

/** UNSUBSCRIBE: answered also when nothing matched [MQTT3-3.10.4-5]; filters are compared as they are written [MQTT3-3.10.4-1]. */
export function onUnsubscribe(
  session: OpenSession,
  { packetId, filters }: UnsubscribePacket,
  view: SessionView,
): SessionStep {
  const { client } = session;
  const known = view.subscriptions;
  const gone = new Set<string>();
  const codes = filters.map((filter) => {
    if (!known.has(filter as TopicFilter) || gone.has(filter)) return NO_SUBSCRIPTION_EXISTED;
    gone.add(filter);
    return 0;
  });
  const answer = encodeUnsuback(client.level, packetId, codes);
  return {
    session: { phase: 'answering', client, answer },
    effects: [{ do: 'unsubscribe', filters: filters as readonly TopicFilter[] }],
  };
}
