import type { TopicFilter } from '@trivium/contracts';
import { parseFilter } from '@trivium/contracts';
import type { Subscription } from '@trivium/delivery';
import { encodeSuback, encodeUnsuback } from './codec/encode.ts';
import type { SubscribePacket, UnsubscribePacket } from './codec/packets.ts';
import type { OpenSession, SessionRules, SessionStep, SessionView } from './session.ts';

/** In a SUBACK of 3.1.1: this filter was refused [MQTT-3.9.3-2]. */
const REFUSED = 0x80;
/** SUBSCRIBE: SUBACK waits until the subscriptions are active. A filter that the door does not take is refused by itself. */
export function onSubscribe(
  session: OpenSession,
  { packetId, requests }: SubscribePacket,
  rules: SessionRules,
  view: SessionView,
): SessionStep {
  const { client } = session;
  const subscriptions: Subscription[] = [];
  const added = new Set<TopicFilter>();
  const codes = requests.map(({ filter: raw, qos }) => {
    const parsed = parseFilter(raw, rules.topicLimits);
    if (!parsed.ok) return REFUSED;
    const filter = parsed.value;
    if (!view.subscriptions.has(filter)) added.add(filter);
    if (view.subscriptions.size + added.size > rules.maxSubscriptions) {
      added.delete(filter);
      return REFUSED;
    }
    // Retained messages come again also with a filter that was there [MQTT-3.8.4-3].
    subscriptions.push({ filter, qos, sendRetained: true });
    return qos;
  });
  // One code for each filter, in order, with the packet id of the SUBSCRIBE [MQTT-3.8.4-2], [MQTT-3.8.4-5].
  const suback = encodeSuback(client.level, packetId, codes);
  if (subscriptions.length === 0) return { session, effects: [{ do: 'send', packet: suback }] };
  return {
    session: { phase: 'answering', client, answer: suback },
    effects: [{ do: 'subscribe', subscriptions }],
  };
}

/** UNSUBSCRIBE: answered also when nothing matched [MQTT-3.10.4-5]; filters are compared as they are written [MQTT-3.10.4-1]. */
export function onUnsubscribe(session: OpenSession, { packetId, filters }: UnsubscribePacket): SessionStep {
  const { client } = session;
  const answer = encodeUnsuback(
    client.level,
    packetId,
    filters.map(() => 0),
  );
  return {
    session: { phase: 'answering', client, answer },
    effects: [{ do: 'unsubscribe', filters: filters as readonly TopicFilter[] }],
  };
}
