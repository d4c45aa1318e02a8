import type { Bus } from '@trivium/bus';
import {
  decodeJson,
  encodeJson,
  partitionOf,
  PositionAnswer,
  PositionRequest,
  positionSubject,
  TriviumError,
} from '@trivium/contracts';

/** The index waits up to 300 ms to come as far as it is asked; whoever scans meanwhile loses little. */
const TIMEOUT_MS = 1_000;

/**
 * Asks the position index which messages of the log above `cursor` are for a client's session (rule 7). Rejects with a `TriviumError`
 * when nobody answers: the log is scanned then.
 */
export type PositionIndex = (client: string, cursor: number, upTo: number) => Promise<PositionAnswer>;

export function createPositionIndex(bus: Bus): PositionIndex {
  return async (client, cursor, upTo) => {
    const request = encodeJson(PositionRequest, { v: 1, client, cursor, upTo });
    const reply = await bus.request(positionSubject(partitionOf(client)), request, { timeoutMs: TIMEOUT_MS });
    const answer = decodeJson(PositionAnswer, reply.data);
    if (!answer.ok) throw new TriviumError(answer.error.code, answer.error.message);
    return answer.value;
  };
}
