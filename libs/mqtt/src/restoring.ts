import type { HeldSession } from '@trivium/sessions';
import type { ErrorCode } from '@trivium/contracts';
import type { PublishIntake } from './publish-intake.ts';
import type { Subscriber } from './subscriber.ts';

/**
 * Goes on with the session as an earlier connection left it, and has it written from now on. Resolves to undefined when its subscriptions are
 * active, else to why they are not.
 */
export async function restore(
  held: HeldSession,
  intake: PublishIntake,
  subscriber: Subscriber,
): Promise<ErrorCode | undefined> {
  held.exactlyOnce!.state = () => ({
    incoming: intake.exactlyOnce?.list() ?? [],
    outgoing: subscriber.exactlyOnce?.list() ?? [],
    begun: subscriber.exactlyOnce?.begun ?? 0,
  });
  const code = await subscriber.restore();
  if (code === undefined)
    held.state = () => ({
      pos: Math.max(held.restored.pos, subscriber.pos),
      get subscriptions() {
        return subscriber.stored;
      },
      open: subscriber.window.list(),
    });
  return code;
}
