import type { Topic, WillMessage } from '@trivium/contracts';
import { encodeHeaders, propertiesFromJson, propertiesToJson } from '@trivium/contracts';
import { letterOf, tagged, type Violation } from '@trivium/message-contracts';
import { throughOutages } from '@trivium/sessions';
import type { DoorParts } from './door-parts.ts';
import type { SessionClient } from './session.ts';

/**
 * The will that a client's session is to have, judged by the contract of its topic while the client can still be told. One that is put aside
 * goes to the dead letters at once, and the session has none. A `Violation`: the connection is refused.
 */
export function judgedWill(
  { bus, contracts, logger }: Pick<DoorParts, 'bus' | 'contracts' | 'logger'>,
  { id, will }: Pick<SessionClient, 'id' | 'will'>,
): { readonly will: WillMessage | undefined } | Violation {
  if (will === undefined) return { will };
  const topic = will.topic as Topic; // CONNECT was checked
  const contract = contracts.of(topic);
  if (contract === undefined) return { will };
  const { qos, retain, contentType } = will;
  const payload = Buffer.from(will.payload, 'base64');
  const violation = contracts.check(contract, { payload, retain, contentType });
  if (violation === undefined) return { will };
  const { messageExpiry, ...own } = will.properties ?? {};
  const kept = propertiesFromJson(own, contentType, 0);
  const properties = kept.ok ? kept.value : undefined;
  switch (violation.policy) {
    case 'reject':
      return violation;
    case 'tag': {
      const marked = propertiesToJson(tagged(properties, violation));
      const expiry = messageExpiry === undefined ? {} : { messageExpiry };
      return { will: { ...will, properties: { ...marked, ...expiry } } };
    }
    case 'dead-letter': {
      const { subject, fields } = letterOf({ topic, qos, retain, client: id }, violation);
      const headers = encodeHeaders({ ...fields, properties });
      throughOutages(bus, () => bus.publisher.store(subject, payload, headers)).catch((err: unknown) =>
        logger.error({ err, client: id }, 'a will that broke its contract could not be put aside'),
      );
      return { will: undefined };
    }
  }
}
