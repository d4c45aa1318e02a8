import { isErrorCode, TriviumError } from '@trivium/contracts';
import { errors } from '@nats-io/nats-core';
import type { Answer, Bus, LiveFeed, BusMessage } from './bus.ts';
import type { Logger } from './config.ts';
import type { Lane } from './lane.ts';
import { encodeText, publishOptions, rawHeaders } from './wire.ts';

/** First header of an answer that reports a refusal; its body is the code. */
const ERROR_HEADER = 'Tv-Error';

export function createRequests(lane: Lane, live: LiveFeed, logger: Logger): Pick<Bus, 'request' | 'serve'> {
  const { nc } = lane;

  const answer = (message: BusMessage, given: Answer): void => {
    if (!message.reply) return;
    if (given instanceof Uint8Array) nc.publish(message.reply, given);
    else nc.publish(message.reply, given.payload, publishOptions(undefined, given.headers));
  };
  const refuse = (message: BusMessage, cause: unknown): void => {
    const code = tooLarge(cause) ?? (cause instanceof TriviumError ? cause.code : 'defect');
    if (code === 'defect') logger.error({ subject: message.subject, err: cause }, 'a request handler failed');
    const block = encodeText(`NATS/1.0\r\n${ERROR_HEADER}: ${code}\r\n\r\n`);
    if (message.reply) nc.publish(message.reply, new Uint8Array(0), publishOptions(undefined, block));
  };

  return {
    async request(subject, payload, { timeoutMs, headers }) {
      if (!lane.up) throw new TriviumError('bus.unavailable');
      const reply = await nc
        .request(subject, payload, {
          timeout: timeoutMs,
          ...(headers === undefined ? {} : { headers: rawHeaders(headers) }),
        })
        .catch((cause: unknown) => {
          if (cause instanceof errors.RequestError && cause.isNoResponders())
            throw new TriviumError('bus.no-responders', `nobody answers ${subject}`, { cause });
          if (cause instanceof errors.TimeoutError)
            throw new TriviumError('bus.timeout', `no answer on ${subject} in ${timeoutMs} ms`, { cause });
          const code = tooLarge(cause) ?? 'bus.unavailable';
          throw new TriviumError(code, `request on ${subject}`, { cause });
        });
      const code = reply.headers?.get(ERROR_HEADER);
      if (code) throw new TriviumError(isErrorCode(code) ? code : 'defect', `refused by ${subject}`);
      return reply;
    },
    serve(subject, handler) {
      return live.subscribe(subject, (message) => {
        try {
          const result = handler(message);
          if (result === undefined) return;
          if (!(result instanceof Promise)) answer(message, result);
          else
            // Also an answer that cannot be sent is refused: too large for NATS.
            result.then((given) => answer(message, given)).catch((cause: unknown) => refuse(message, cause));
        } catch (cause) {
          refuse(message, cause);
        }
      });
    },
  };
}

/** The client of NATS refuses payloads beyond `max_payload`, and says no more than that an argument is wrong. */
function tooLarge(cause: unknown): 'payload.too-large' | undefined {
  return cause instanceof errors.InvalidArgumentError ? 'payload.too-large' : undefined;
}
