import type { PacketIdWindow } from './packet-id-window.ts';

/** Told when the client has acknowledged a message. */
export interface Acknowledged {
  done(): void;
}

/**
 * QoS 1 messages that were sent to one client, are not acknowledged, and are not the session's to send again: those of shared
 * subscriptions, which delivery gives to another member when the connection ends, and commands, which end with it.
 */
export class InHand {
  readonly #window: PacketIdWindow;
  readonly #open = new Map<number, Acknowledged>();

  constructor(window: PacketIdWindow) {
    this.#window = window;
  }

  has(packetId: number): boolean {
    return this.#open.has(packetId);
  }

  /** A packet id. Not when the window is full. */
  take(message: Acknowledged): number {
    const packetId = this.#window.reserve();
    this.#open.set(packetId, message);
    return packetId;
  }

  /** Also when the client refuses it: nobody else is asked then [MQTT-4.8.2-6]. False: there is none with this id. */
  acknowledge(packetId: number): boolean {
    const message = this.#open.get(packetId);
    if (message === undefined) return false;
    this.#open.delete(packetId);
    this.#window.release(packetId);
    message.done();
    return true;
  }
}
