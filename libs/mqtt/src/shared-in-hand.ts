import type { Handover } from '@trivium/delivery';
import type { PacketIdWindow } from './packet-id-window.ts';

/**
 * QoS 1 messages of shared subscriptions that were sent to one client and are not acknowledged. They are not the session's to send again:
 * when the connection ends, delivery gives them to another member.
 */
export class SharedInHand {
  readonly #window: PacketIdWindow;
  readonly #open = new Map<number, Handover>();

  constructor(window: PacketIdWindow) {
    this.#window = window;
  }

  has(packetId: number): boolean {
    return this.#open.has(packetId);
  }

  /** A packet id. Not when the window is full. */
  take(handover: Handover): number {
    const packetId = this.#window.reserve();
    this.#open.set(packetId, handover);
    return packetId;
  }

  /** Also when the client refuses it: nobody else is asked then [MQTT-4.8.2-6]. False when the id stands for none. */
  acknowledge(packetId: number): boolean {
    const handover = this.#open.get(packetId);
    if (handover === undefined) return false;
    this.#open.delete(packetId);
    this.#window.release(packetId);
    handover.done();
    return true;
  }
}
