import { connect } from '@nats-io/transport-node';

export interface StreamState {
  messages: number;
  bytes: number;
  consumers: number;
  lastPos: number;
}

/** What the measurement reads and does behind the doors. */
export interface JetStream extends AsyncDisposable {
  state(stream: string): Promise<StreamState>;
  /** Deletes all messages of a stream. */
  purge(stream: string): Promise<void>;
  /** Adds `count` messages that match no session to the log. */
  pad(count: number, prefix: string, payloadBytes: number): Promise<void>;
}

const PAD_TOPICS = 1_000;
/** Messages of padding between two questions whether they are stored. */
const PAD_AT_ONCE = 5_000;
const TIMEOUT_MS = 30_000;

export async function connectJetStream(url: string): Promise<JetStream> {
  const nats = await connect({ servers: url });

  const ask = async (call: string): Promise<{ state?: Record<string, number> }> => {
    const answer = await nats.request(`$JS.API.STREAM.${call}`, '', { timeout: TIMEOUT_MS });
    const body = answer.json<{ error?: { description: string }; state?: Record<string, number> }>();
    if (body.error !== undefined) throw new Error(`${call}: ${body.error.description}`);
    return body;
  };
  const state = async (stream: string): Promise<StreamState> => {
    const answer = (await ask(`INFO.${stream}`)).state ?? {};
    const { messages = 0, bytes = 0, consumer_count: consumers = 0, last_seq: lastPos = 0 } = answer;
    return { messages, bytes, consumers, lastPos };
  };

  return {
    state,
    purge: async (stream) => void (await ask(`PURGE.${stream}`)),
    pad: async (count, prefix, payloadBytes) => {
      const payload = new Uint8Array(payloadBytes);
      const { lastPos } = await state('MESSAGES');
      for (let i = 0; i < count; i++) {
        const subject = `tv1.m.1.-.${prefix}.pad.${i % PAD_TOPICS}`;
        // The answer to the last one of each piece says that the server has come so far.
        if ((i + 1) % PAD_AT_ONCE !== 0 && i + 1 < count) nats.publish(subject, payload);
        else await nats.request(subject, payload, { timeout: TIMEOUT_MS });
      }
      const stored = (await state('MESSAGES')).lastPos - lastPos;
      if (stored < count) throw new Error(`only ${stored} of ${count} messages of padding were stored`);
    },
    [Symbol.asyncDispose]: () => nats.close(),
  };
}
