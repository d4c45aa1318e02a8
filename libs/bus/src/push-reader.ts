import type { Msg, Subscription } from '@nats-io/nats-core';
import { TriviumError } from '@trivium/contracts';
import type { Logger } from './config.ts';
import type { Lane } from './lane.ts';
import { api } from './wire.ts';

/** Nanoseconds in the consumer's configuration; the watchdog waits two and a half of these. */
const HEARTBEAT_MS = 1_000;
const RETRY_MS = 200;
const CATCH_UP_MS = 5;

interface ConsumerState {
  num_pending: number;
  delivered: { consumer_seq: number };
}

export interface StreamState {
  first_seq: number;
  last_seq: number;
  messages: number;
}

export interface PushReaderOptions {
  lane: Lane;
  stream: string;
  logger: Logger;
  /** Where the next consumer begins; asked each time one is made, with the stream's present state. */
  start(state: StreamState): { deliver_policy: string; opt_start_seq?: number };
  filter?: string;
  /** A consumer exists; `matching` messages were stored for it when it was made. */
  onCreated?(matching: number): void;
  onMessage(pos: number, message: Msg): void;
}

export interface PushReader {
  readonly ready: Promise<void>;
  caughtUp(): Promise<void>;
  close(): void;
}

/**
 * An ordered push consumer kept alive: in memory, flow-controlled, without acknowledgements. It is replaced whenever order can no
 * longer be proven: after a reconnect, a hole in the *consumer* sequence (stream sequences may have holes), a heartbeat that
 * knows more than we saw, or silence for two and a half heartbeats.
 */
export function createPushReader(options: PushReaderOptions): PushReader {
  const { lane, stream, logger } = options;
  const { nc } = lane;
  let closed = false;
  let running = 0; // generation: a callback of an older consumer does nothing
  let subscription: Subscription | undefined;
  let consumer = '';
  let expected = 1;
  let heardAt = 0;
  let waiting: (() => void)[] = [];
  let catching: Promise<void> | undefined;
  let making = false;
  let again = false;
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (markReady = resolve));

  const drop = (): void => {
    running++;
    wake();
    subscription?.unsubscribe();
    subscription = undefined;
    if (consumer !== '' && lane.up) nc.publish(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`);
    consumer = '';
  };

  const renew = (why: string): void => {
    if (closed) return;
    if (making) {
      again = true;
      return;
    }
    making = true;
    logger.debug({ stream, why }, 'making a consumer');
    drop();
    make().then(
      () => {
        making = false;
        if (again) {
          again = false;
          renew(why);
        }
      },
      (cause: unknown) => {
        making = false;
        again = false;
        drop();
        if (closed) return;
        logger.debug({ stream, err: cause }, 'could not make a consumer, trying again');
        setTimeout(() => renew('retry'), RETRY_MS);
      },
    );
  };

  const make = async (): Promise<void> => {
    const generation = running;
    const info = await api<{ state: StreamState }>(nc, `STREAM.INFO.${stream}`);
    if (info.error) throw new Error(info.error.description);
    if (closed || generation !== running) return;
    const name = `r${Math.random().toString(36).slice(2, 12)}${Date.now().toString(36)}`;
    const inbox = `${lane.inbox}.${name}`;
    expected = 1;
    heardAt = performance.now();
    consumer = name;
    subscription = nc.subscribe(inbox, { callback: (_error, message) => onFrame(generation, message) });
    // With the filter in the subject, NATS can be told which part of a stream a service may read.
    const call = `CONSUMER.CREATE.${stream}.${name}${options.filter === undefined ? '' : `.${options.filter}`}`;
    const made = await api<ConsumerState>(nc, call, {
      stream_name: stream,
      config: {
        name,
        deliver_subject: inbox,
        ack_policy: 'none',
        max_deliver: 1,
        ...options.start(info.state),
        ...(options.filter === undefined ? {} : { filter_subject: options.filter }),
        flow_control: true,
        idle_heartbeat: HEARTBEAT_MS * 1e6,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: 5e9,
      },
    });
    if (made.error) throw new Error(made.error.description);
    if (closed || generation !== running) return;
    heardAt = performance.now();
    options.onCreated?.(made.num_pending + made.delivered.consumer_seq);
    markReady();
  };

  const onFrame = (generation: number, message: Msg): void => {
    if (generation !== running) return;
    heardAt = performance.now();
    const reply = message.reply ?? '';
    if (!reply.startsWith('$JS.ACK.')) {
      onStatus(reply, message);
      return;
    }
    // $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>
    const d = reply.lastIndexOf('.');
    const c = reply.lastIndexOf('.', d - 1);
    const b = reply.lastIndexOf('.', c - 1);
    const a = reply.lastIndexOf('.', b - 1);
    if (Number(reply.slice(b + 1, c)) !== expected) {
      renew('a hole in the consumer sequence');
      return;
    }
    expected++;
    try {
      options.onMessage(Number(reply.slice(a + 1, b)), message);
    } catch (cause) {
      // The client's read loop ends for good on a throw: a defect in one handler must not stop the door.
      logger.error({ stream, err: cause }, 'a handler of stored messages threw');
    }
    if (waiting.length > 0) wake();
  };

  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resume of woken) resume();
  };

  /** Asks the consumer itself: the stream's last sequence may belong to a message that is gone and never comes. */
  const catchUp = async (): Promise<void> => {
    for (;;) {
      if (closed || !lane.up) throw new TriviumError('bus.unavailable', `reading ${stream}`);
      const asked = consumer;
      const generation = running;
      const info = await api<ConsumerState>(nc, `CONSUMER.INFO.${stream}.${asked}`).catch(() => undefined);
      if (
        info !== undefined &&
        info.error === undefined &&
        generation === running &&
        info.num_pending === 0
      ) {
        while (generation === running && expected <= info.delivered.consumer_seq)
          await new Promise<void>((resolve) => waiting.push(resolve));
        if (generation === running) return;
      } else await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
    }
  };

  const onStatus = (reply: string, message: Msg): void => {
    if (reply !== '') {
      nc.publish(reply); // flow control: answering it opens the next window
      return;
    }
    const headers = message.headers;
    const stalled = headers?.get('Nats-Consumer-Stalled');
    if (stalled) nc.publish(stalled);
    const last = headers?.get('Nats-Last-Consumer');
    if (last && Number(last) >= expected) renew('a heartbeat ahead of us');
  };

  const offState = lane.onState((up) => {
    if (up) renew('reconnect');
    else {
      running++; // what is still buffered of the old consumer may have holes
      wake();
    }
  });

  const watchdog = setInterval(() => {
    if (making || !lane.up) return;
    if (performance.now() - heardAt > HEARTBEAT_MS * 2.5) renew('silence');
  }, HEARTBEAT_MS / 2);
  watchdog.unref();

  renew('start');

  return {
    ready,
    caughtUp() {
      // Asked at the end of this turn, for all that ask in it: an answer already under way could be too old.
      catching ??= ready.then(() => {
        catching = undefined;
        return catchUp();
      });
      return catching;
    },
    close() {
      if (closed) return;
      closed = true;
      clearInterval(watchdog);
      offState();
      drop();
    },
  };
}
