/** What a client speaks over this WebSocket: MQTT packets in binary frames, or the JSON frames of `trivium.v1`. */
export type Subprotocol = 'mqtt' | 'trivium.v1';

/** The names that clients offer. `mqttv3.1` is what clients of MQTT 3.1 call the first; they speak it in the same way. */
const SPOKEN: ReadonlyMap<string, Subprotocol> = new Map([
  ['mqtt', 'mqtt'],
  ['mqttv3.1', 'mqtt'],
  ['trivium.v1', 'trivium.v1'],
]);

/** Not spoken: in this name a browser, which sets no headers, says its token, in base64url. It is never answered with. */
const TOKEN = 'trivium.token.';
/** Not spoken either: the client says in its first frame who it is, and is to be waited for. */
const FIRST_FRAME = 'trivium.auth';

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

/** What a client says of itself among the names that it offers. */
export interface OfferedProof {
  /** Empty: it is not readable. */
  readonly token: string | undefined;
  readonly followsInFirstFrame: boolean;
}

export function proofOffered(header: string | undefined): OfferedProof {
  const offered = header === undefined ? [] : header.split(',').map((part) => part.trim());
  const encoded = offered.find((name) => name.startsWith(TOKEN))?.slice(TOKEN.length);
  const followsInFirstFrame = offered.includes(FIRST_FRAME);
  if (encoded === undefined) return { token: undefined, followsInFirstFrame };
  const text = Buffer.from(encoded, 'base64url');
  const token = text.toString('base64url') === encoded ? text.toString() : '';
  return { token, followsInFirstFrame };
}

/** For the message of a refusal. */
export const SPOKEN_SUBPROTOCOLS = [...SPOKEN.keys()].join(', ');
