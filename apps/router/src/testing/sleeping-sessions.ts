import type { Bus } from '@trivium/bus';
import {
  clientToken,
  decodeJson,
  encodeHeaders,
  encodeJson,
  matches,
  messageSubject,
  parseFilter,
  partitionOf,
  PositionAnswer,
  PositionRequest,
  positionSubject,
  topicToTokens,
  type HeaderFields,
  type QoS,
  type SessionRecord,
  type Topic,
} from '@trivium/contracts';
import { createSessionStore } from '@trivium/sessions';
import { waitFor } from '@trivium/testing';
import { sessionRecord } from './session-door.ts';

export interface Published {
  readonly pos: number;
  readonly topic: string;
}

/** Stores a message as a door does, and says where. */
export async function publish(
  bus: Bus,
  topic: string,
  qos: QoS = 1,
  headers: HeaderFields = {},
  payload = 'payload',
): Promise<Published> {
  const subject = messageSubject(qos, clientToken('publisher'), topicToTokens(topic as Topic));
  const { pos } = await bus.publisher.store(subject, Buffer.from(payload), encodeHeaders(headers));
  return { pos, topic };
}

/** Writes a client's record over whatever is there. */
export async function writeSession(bus: Bus, client: string, fields: Partial<SessionRecord>): Promise<void> {
  const store = createSessionStore(bus);
  const stored = await store.read(client);
  const record = sessionRecord({ ...fields, epoch: (stored?.record?.epoch ?? 0) + 1 });
  if ((await store.write(client, record, stored?.revision ?? 0)) === undefined)
    throw new Error(`the record of ${client} changed meanwhile`);
}

export async function ask(bus: Bus, client: string, cursor: number, upTo: number): Promise<PositionAnswer> {
  const request = encodeJson(PositionRequest, { v: 1, client, cursor, upTo });
  const reply = await bus.request(positionSubject(partitionOf(client)), request, { timeoutMs: 5_000 });
  const answer = decodeJson(PositionAnswer, reply.data);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

/** Asks until the answer covers (cursor, upTo]. */
export async function askCovered(
  bus: Bus,
  client: string,
  cursor: number,
  upTo: number,
  timeoutMs = 30_000,
): Promise<PositionAnswer> {
  let answer: PositionAnswer | undefined;
  await waitFor(
    async () => {
      answer = await ask(bus, client, cursor, upTo).catch(() => undefined);
      return answer !== undefined && answer.from <= cursor && answer.through >= upTo;
    },
    {
      timeoutMs,
      message: () => `${client} to be covered from ${cursor} to ${upTo}: ${JSON.stringify(answer)}`,
    },
  );
  return answer!;
}

/** What a scan of the log would find for the session in (above, through]. */
export function scan(
  published: readonly Published[],
  subscriptions: SessionRecord['subscriptions'],
  above: number,
  through: number,
): number[] {
  return published
    .filter(
      ({ pos, topic }) =>
        pos > above && pos <= through && subscriptions.some((sub) => wants(sub, pos, topic)),
    )
    .map(({ pos }) => pos);
}

function wants(
  { filter, qos, from }: SessionRecord['subscriptions'][number],
  pos: number,
  topic: string,
): boolean {
  const parsed = parseFilter(filter);
  return qos > 0 && pos > from && parsed.ok && matches(parsed.value, topic as Topic);
}
