import type { Bus } from '@trivium/bus';
import {
  clientSubject,
  decodeJson,
  encodeJson,
  TriviumError,
  WillQuestion,
  WillRuling,
  type WillMessage,
} from '@trivium/contracts';

/** Whether a will of this client may be published now; for who knows what clients may do. One without an author may. */
export type JudgeWill = (client: string, will: Pick<WillMessage, 'topic' | 'retain' | 'author'>) => boolean;

/**
 * Asks these doors, one after the other until one answers, whether a will may be published now. Rejects with `bus.unavailable` when none does:
 * then nobody knows, and it waits.
 */
export async function askWillRuling(
  bus: Pick<Bus, 'request'>,
  doors: Iterable<string>,
  client: string,
  { author, topic, retain }: WillMessage,
): Promise<boolean> {
  if (author === undefined) return true;
  const question = encodeJson(WillQuestion, { v: 1, do: 'judge-will', author, topic, retain });
  for (const door of doors) {
    const answer = await bus
      .request(clientSubject(door, client), question, { timeoutMs: ANSWER_MS })
      .catch(() => undefined);
    const ruling = answer && decodeJson(WillRuling, answer.data);
    if (ruling?.ok) return ruling.value.allowed;
  }
  throw new TriviumError('bus.unavailable', 'no door says whether a will may be published');
}

const ANSWER_MS = 2_000;
