import type { Bus } from '@trivium/bus';
import { decodeJson, sessionKey, SessionRecord } from '@trivium/contracts';

/**
 * Whose session there is by this client id; undefined: nobody's. Doors of protocols that have no sessions ask, so that nobody else goes by
 * the id. Rejects retryable.
 */
export async function sessionPrincipal(
  bus: Pick<Bus, 'bucket'>,
  client: string,
  nowMs: number,
): Promise<string | undefined> {
  const entry = await bus.bucket('sessions').get(sessionKey(client));
  const read = entry && decodeJson(SessionRecord, entry.value);
  if (!read?.ok) return undefined;
  const { principal, endsAt } = read.value;
  return endsAt !== undefined && endsAt <= nowMs ? undefined : principal;
}
