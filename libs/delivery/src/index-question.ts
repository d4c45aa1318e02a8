import { Backlog } from './backlog.ts';
import type { AttachOptions, KnownPositions } from './receiver.ts';

/** An index that does not answer for so long is not there. */
const DEADLINE_MS = 3_000;

/** Asks the position index; undefined when it does not know, fails, or takes too long. */
export async function askIndex(
  ask: NonNullable<AttachOptions['ask']>,
  after: number,
  upTo: number,
): Promise<KnownPositions | undefined> {
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    deadline = setTimeout(() => resolve(undefined), DEADLINE_MS);
  });
  try {
    return await Promise.race([ask(after, upTo), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(deadline);
  }
}

/** What is known of (after, upTo], as a backlog and the position up to which it says everything; undefined when it is of no use. */
export function knownBacklog(
  known: KnownPositions,
  after: number,
  upTo: number,
): { backlog: Backlog; through: number } | undefined {
  const through = Math.min(known.through, upTo);
  if (known.from > after || through <= after) return undefined;
  // Room for what the feed adds meanwhile, as if they were none.
  const backlog = new Backlog(after, Backlog.CAPACITY + known.positions.length);
  for (const pos of known.positions) if (pos > after && pos <= through) backlog.append(pos, 0);
  return { backlog, through };
}
