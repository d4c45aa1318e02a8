import {
  messageSubject,
  parseTopic,
  propertiesFromJson,
  publisherName,
  topicToTokens,
  willId,
  type DueWill,
} from '@trivium/contracts';
import type { Bus } from '@trivium/bus';

/** Topics were checked against the limits of the door that took the will. */
const NO_LIMITS = { maxTopicBytes: 65_535, maxTopicLevels: 65_535 };

/**
 * Publishes the will of one connection of `client`; it is in the log once, however often and by whomever it is tried (rule 3), and is the
 * retained message of its topic afterwards if it asks for that. `old`: it may have been published longer ago than the duplicate window.
 * Rejects with a retryable `TriviumError`; a will that is no message (of a later version) is skipped.
 */
export async function publishWill(bus: Bus, client: string, due: DueWill, old: boolean): Promise<void> {
  const { will, epoch, after } = due;
  const topic = parseTopic(will.topic, NO_LIMITS);
  const properties = propertiesFromJson(will.properties, will.contentType, Date.now());
  if (!topic.ok || !properties.ok) return;
  const { qos, retain } = will;
  const tokens = topicToTokens(topic.value);
  const name = publisherName(client);
  const payload = Buffer.from(will.payload, 'base64');
  const pos = await bus.storeOnce({
    // One at QoS 0 goes by the log too: there alone it can be told from its repetition.
    subject: messageSubject(qos === 2 ? 2 : 1, name.token, tokens),
    payload,
    headers: {
      properties: properties.value,
      client: name.header,
      qosBelowSubject: qos === 0 ? 0 : undefined,
      retain,
    },
    msgId: willId(client, epoch),
    old,
    after,
  });
  if (retain) await bus.retain({ tokens, payload, qos, client, properties: properties.value, pos });
}
