import { Readable } from 'node:stream';

/** An object stream with nothing in it. */
function nothing(): Readable {
  return new Readable({
    objectMode: true,
    read() {
      this.push(null);
    },
  });
}

/**
 * A persistence that keeps nothing: what aedes would grant from its memory (sessions, retained messages, wills) is refused before it
 * comes to that. Nothing here rejects where aedes does not expect it.
 */
export function createEmptyPersistence() {
  return {
    async setup() {}, // aedes insists on an async function
    async storeRetained() {},
    createRetainedStream: nothing,
    createRetainedStreamCombi: nothing,
    async addSubscriptions() {},
    async removeSubscriptions() {},
    async subscriptionsByClient() {
      return [];
    },
    async subscriptionsByTopic() {
      return [];
    },
    async cleanSubscriptions() {},
    async countOffline() {
      return { subsCount: 0, clientsCount: 0 };
    },
    async outgoingEnqueue() {},
    async outgoingEnqueueCombi() {},
    async outgoingUpdate() {},
    /** What it returns, aedes gives to the listeners of its event `ack`. */
    async outgoingClearMessageId<P>(_client: unknown, packet: P): Promise<P> {
      return packet;
    },
    outgoingStream: nothing,
    async incomingStorePacket() {},
    async incomingGetPacket() {
      throw new Error('no such packet');
    },
    async incomingDelPacket() {},
    async cleanIncoming() {},
    async putWill() {},
    async getWill() {},
    async delWill() {},
    streamWill: nothing,
    getClientList: nothing,
    async destroy() {},
  };
}
