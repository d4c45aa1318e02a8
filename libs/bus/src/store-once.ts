import { decodeMsgId, encodeHeaders, type HeaderFields } from '@trivium/contracts';
import type { Bus } from './bus.ts';

/** A message for `MESSAGES` that is to be there once, however often and by whomever it is tried. */
export interface OnceMessage {
  subject: string;
  payload: Uint8Array;
  headers: Omit<HeaderFields, 'msgId'>;
  /** `Nats-Msg-Id`. */
  msgId: string;
  /** It may have been tried longer ago than JetStream remembers ids (`duplicate_window`): then it is looked for in the log. */
  old: boolean;
  /** It cannot lie in the log at or below this position. */
  after: number;
}

/** See `Bus.storeOnce`. */
export async function storeOnce(bus: Bus, message: OnceMessage): Promise<number> {
  const { subject, payload, headers, msgId, old } = message;
  if (old) {
    const found = await find(bus, message);
    if (found !== undefined) return found;
  }
  const { pos } = await bus.publisher.store(subject, payload, encodeHeaders({ ...headers, msgId }));
  return pos;
}

/** The position of the message, if it is in the log. */
async function find(bus: Bus, { subject, msgId, after }: OnceMessage): Promise<number | undefined> {
  let found: number | undefined;
  const follower = bus.follow({
    stream: 'MESSAGES',
    after,
    filter: subject,
    lane: 'scan',
    onMessage(pos, { headers }) {
      if (decodeMsgId((name) => headers?.get(name)) === msgId) found ??= pos;
    },
  });
  try {
    await follower.caughtUp();
    return found;
  } finally {
    follower.close();
  }
}
