import type { Delivered } from '@trivium/delivery';

/** Payloads as aedes needs them: it writes in a later turn, when the bytes of the bus are gone. One copy for all receivers of a message. */
export class PayloadCopy {
  #serial = -1;
  #bytes = Buffer.alloc(0);

  of(message: Delivered): Buffer {
    if (message.serial !== this.#serial) {
      this.#bytes = Buffer.from(message.payload);
      this.#serial = message.serial;
    }
    return this.#bytes;
  }
}
