import type { Bus } from '@trivium/bus';
import { ANONYMOUS, decodeJson, isSessionOver, sessionKey, SessionRecord } from '@trivium/contracts';

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
  const { principal } = read.value;
  return principal === ANONYMOUS || isSessionOver(read.value, nowMs) ? undefined : principal;
}

/**
 * Whether a principal must keep away from what another has. What anonymous clients left behind is anybody's: a site that begins to ask who its
 * clients are finds the sessions that they had before.
 */
export function isSomebodyElses(owner: string, principal: string): boolean {
  return owner !== principal && owner !== ANONYMOUS;
}
