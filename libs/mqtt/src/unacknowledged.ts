import type { WantedMessage } from '@trivium/delivery';
import type { ExactlyOnceOut } from './exactly-once-out.ts';
import type { PacketIdWindow } from './packet-id-window.ts';

/** A PUBLISH that is to be sent again. */
export interface Unacknowledged extends WantedMessage {
  readonly packetId: number;
  readonly qos: 1 | 2;
}

/** What was sent to a client and not acknowledged, in the order in which it was sent. */
export function unacknowledged(
  window: PacketIdWindow,
  exactlyOnce: ExactlyOnceOut | undefined,
): Unacknowledged[] {
  const outgoing = exactlyOnce?.list().filter(({ released }) => !released) ?? [];
  return [
    ...window.list().map(({ id, ...rest }) => ({ ...rest, packetId: id, qos: 1 as const })),
    ...outgoing.map(({ packetId, pos, retained }) => ({
      ...{ packetId, pos, qos: 2 as const },
      ...(retained === undefined ? {} : { retained }),
    })),
  ];
}
