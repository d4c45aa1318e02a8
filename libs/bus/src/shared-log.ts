import { TriviumError } from '@trivium/contracts';
import type { Msg } from '@nats-io/nats-core';
import type { AskOptions, SharedConsumer, SharedLog, SharedReader, Settlement } from './bus.ts';
import type { Logger } from './config.ts';
import type { Lane } from './lane.ts';
import { api, encodeText, type ApiError } from './wire.ts';

const STREAM = 'MESSAGES';
/** A message that was handed over and is not settled, nor known to be worked on, goes to somebody else after this. */
export const SHARED_ACK_WAIT_MS = 10_000;
const ASK_EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 2_000;
const CONSUMER_NOT_FOUND = 10014;
const CONSUMER_THERE = 10148;
const IDLE = 100;
const REQUEST_OVER = 408;

const WORDS: Record<Settlement, Uint8Array> = {
  done: encodeText('+ACK'),
  again: encodeText('-NAK'),
  working: encodeText('+WPI'),
};

/** See {@link SharedLog}: durable pull consumers of `MESSAGES`, by raw subjects. */
export function createSharedLog(
  feedLane: Lane,
  publishLane: Lane,
  inbox: string,
  logger: Logger,
): SharedLog & { close(): void } {
  let count = 0;
  const readers = new Set<{ check(): void }>();
  /** Messages done with while NATS was away: it is told when it is back. */
  let unsaid: string[] = [];
  const offState = publishLane.onState((up) => {
    if (!up) return;
    const said = unsaid;
    unsaid = [];
    for (const message of said) publishLane.nc.publish(message, WORDS.done);
  });
  const watchdog = setInterval(() => {
    for (const reader of readers) reader.check();
  }, HEARTBEAT_MS);
  watchdog.unref();

  const call = async <T>(subject: string, body?: object): Promise<T & { error?: ApiError }> => {
    if (!publishLane.up) throw new TriviumError('bus.unavailable');
    return api<T>(publishLane.nc, subject, body).catch((cause: unknown) => {
      throw new TriviumError('bus.unavailable', subject, { cause });
    });
  };

  return {
    async create(name, subjects, after) {
      const made = await call(`CONSUMER.CREATE.${STREAM}.${name}`, {
        stream_name: STREAM,
        action: 'create',
        config: {
          name,
          durable_name: name,
          ...(subjects.length === 1 ? { filter_subject: subjects[0] } : { filter_subjects: subjects }),
          ack_policy: 'explicit',
          ack_wait: SHARED_ACK_WAIT_MS * 1e6,
          max_ack_pending: -1,
          max_deliver: -1,
          deliver_policy: 'by_start_sequence',
          opt_start_seq: after + 1,
        },
      });
      if (made.error && made.error.err_code !== CONSUMER_THERE)
        throw new TriviumError('bus.refused', `${name}: ${made.error.description}`);
    },
    async remove(name) {
      const gone = await call(`CONSUMER.DELETE.${STREAM}.${name}`);
      if (gone.error && gone.error.err_code !== CONSUMER_NOT_FOUND)
        throw new TriviumError('bus.refused', `${name}: ${gone.error.description}`);
    },
    async list(prefix) {
      const found: SharedConsumer[] = [];
      for (let offset = 0; ;) {
        const page = await call<{ total: number; consumers: { name: string; created: string }[] | null }>(
          `CONSUMER.LIST.${STREAM}`,
          { offset },
        );
        if (page.error) throw new TriviumError('bus.refused', page.error.description);
        const consumers = page.consumers ?? [];
        for (const { name, created } of consumers)
          if (name.startsWith(prefix)) found.push({ name, createdMs: Date.parse(created) });
        offset += consumers.length;
        if (consumers.length === 0 || offset >= page.total) return found;
      }
    },
    read(name, options) {
      const reader = createReader(feedLane, `${inbox}.s${++count}`, name, options, logger);
      readers.add(reader);
      return {
        get asked() {
          return reader.asked;
        },
        ask: reader.ask,
        close() {
          readers.delete(reader);
          reader.close();
        },
      };
    },
    settle(message, how) {
      if (publishLane.up) publishLane.nc.publish(message, WORDS[how]);
      else if (how === 'done') unsaid.push(message);
    },
    close() {
      clearInterval(watchdog);
      offState();
    },
  };
}

/** Requests for messages. A message does not say which of them it answers; the end of one says how many it did not bring. */
function createReader(
  lane: Lane,
  inbox: string,
  name: string,
  options: AskOptions,
  logger: Logger,
): SharedReader & { check(): void } {
  let asked = 0;
  let heardAt = 0;
  let closed = false;

  const over = (missing: number, gone: boolean): void => {
    asked = Math.max(0, asked - missing);
    options.onOver(gone);
  };

  const onStatus = (message: Msg): void => {
    const code = message.headers?.code;
    if (code === IDLE) return;
    const missing = Number(message.headers?.get('Nats-Pending-Messages') || Infinity);
    over(missing, code !== REQUEST_OVER);
  };

  const subscription = lane.nc.subscribe(inbox, {
    callback(error, message) {
      if (error) return;
      const reply = message.reply ?? '';
      const isMessage = reply.startsWith('$JS.ACK.');
      if (closed) {
        // It was on its way. Given back it goes to somebody else now, and not when its time is over.
        if (isMessage) lane.nc.publish(reply, WORDS.again);
        return;
      }
      heardAt = performance.now();
      if (!isMessage) return onStatus(message);
      if (asked > 0) asked--;
      try {
        // $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>
        const parts = reply.split('.');
        options.onMessage(Number(parts[parts.length - 4]), message, reply);
      } catch (cause) {
        logger.error({ consumer: name, err: cause }, 'a handler of shared messages threw');
      }
    },
  });
  const offState = lane.onState((up) => {
    if (up) over(Infinity, false);
  });

  return {
    get asked() {
      return asked;
    },
    ask(batch) {
      if (closed || !lane.up) return;
      asked += batch;
      heardAt = performance.now();
      const body = { batch, expires: ASK_EXPIRES_MS * 1e6, idle_heartbeat: HEARTBEAT_MS * 1e6 };
      lane.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${name}`, JSON.stringify(body), { reply: inbox });
    },
    /** A server that forgot the requests sends no heartbeat for them. */
    check() {
      if (asked > 0 && performance.now() - heardAt > 2.5 * HEARTBEAT_MS) over(Infinity, false);
    },
    close() {
      closed = true;
      offState();
      // Hears what NATS sent before it knew. On a lane that is closed there is nothing to hear.
      subscription.drain().catch(() => undefined);
    },
  };
}
