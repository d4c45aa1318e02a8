/** What a client speaks over this WebSocket: MQTT packets in binary frames, or the JSON frames of `trivium.v1`. */
export type Subprotocol = 'mqtt' | 'trivium.v1';

/** The names that clients offer. `mqttv3.1` is what clients of MQTT 3.1 call the first; they speak it in the same way. */
const SPOKEN: ReadonlyMap<string, Subprotocol> = new Map([
  ['mqtt', 'mqtt'],
  ['mqttv3.1', 'mqtt'],
  ['trivium.v1', 'trivium.v1'],
]);

export interface ChosenSubprotocol {
  /** As the client wrote it: what the answer has to repeat [RFC6455-4.2.2]. */
  readonly name: string;
  readonly speaks: Subprotocol;
}

/**
 * The first subprotocol in a `Sec-WebSocket-Protocol` header that is spoken here, in the client's order of preference
 * [RFC6455-4.1]; undefined when there is none. Names are compared as they are written. Who offers both names of MQTT is answered
 * with `mqtt`, in whatever order: it is the one that the standard lets a server answer with [MQTT-6.0.0-4].
 */
export function chooseSubprotocol(header: string | undefined): ChosenSubprotocol | undefined {
  if (header === undefined) return undefined;
  const offered = header.split(',').map((part) => part.trim());
  for (const name of offered) {
    const speaks = SPOKEN.get(name);
    if (speaks === 'mqtt' && offered.includes('mqtt')) return { name: 'mqtt', speaks };
    if (speaks !== undefined) return { name, speaks };
  }
  return undefined;
}

/** For the message of a refusal. */
export const SPOKEN_SUBPROTOCOLS = [...SPOKEN.keys()].join(', ');
