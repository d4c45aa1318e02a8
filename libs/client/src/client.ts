import { TriviumError, type ErrorCode } from '@trivium/contracts';
import { createAcknowledging } from './acknowledging.ts';
import { delayMs } from './backoff.ts';
import { createCalling } from './calling.ts';
import { systemClock, type Clock } from './clock.ts';
import {
  cmdFrame,
  commandOf,
  messageOf,
  pubFrame,
  type CommandOptions,
  type Message,
  type PublishOptions,
  type Reply,
  type ReplyOptions,
  type ServerFrame,
} from './codec.ts';
import { createCommanded, type CommandHandler } from './commanded.ts';
import { openConnection, type Connection, type OpenSocket } from './connection.ts';
import { createEvents, type Events } from './events.ts';
import { proofOf, type ProofOptions } from './proof.ts';
import { createPublishing, errorOf, type Published } from './publishing.ts';
import { refusalOf } from './refusal.ts';
import { createSubscribing, type SubscribeOptions, type Subscription } from './subscribing.ts';
import type { Entry, Handler } from './subscriptions.ts';

export interface ClientOptions extends ProofOptions {
  /** `ws://` or `wss://` address of a hub; a function is asked before each attempt. */
  readonly url: string | (() => string);
  /** Default: the hub makes one up for each connection. */
  readonly clientId?: string;
  /** An attempt that is not through by then has failed. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** A hub that is silent for this long is asked for a sign of life, and given up after twice as long. Default 15 s. */
  readonly pingIntervalMs?: number;
  /** Between attempts, doubled from the first to the second, half of it random. Default 250 ms, 30 s. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Messages that wait for the hub; more are refused. Default 1,000. */
  readonly maxOpenPublishes?: number;
  /** Commands of this client that wait for the reply; more are refused. Default 100, as the hub has it. */
  readonly maxOpenCommands?: number;
  /** Bytes that the socket has not taken yet; then publishes and commands are refused. Default 4 MiB. */
  readonly maxWaitingBytes?: number;
  /** Default: the WebSocket of the platform. */
  readonly openSocket?: OpenSocket;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export interface ClientEvents {
  connected: { readonly clientId: string };
  /** `reason`: where the hub refused this client, the code and what it says. `retryInMs`: when it will be tried again; undefined: it will not. */
  disconnected: { readonly code: number; readonly reason: string; readonly retryInMs: number | undefined };
  /** What no promise tells: a handler threw (without a listener it is thrown again), a filter or a reply is refused, messages were lost to retention. */
  error: unknown;
}

/** A client of `trivium.v1` that connects, and connects again, until it is closed. */
export interface Client {
  /** Undefined without a connection. */
  readonly clientId: string | undefined;
  /**
   * QoS 1 (default): resolves with its position when the hub has stored it, and is sent again on every new connection until then, so it may
   * be stored twice. QoS 0: at most once; rejects when there is no connection. Rejects with a `TriviumError` when the hub refuses it.
   */
  publish(topic: string, payload?: unknown, options?: PublishOptions): Promise<Published>;
  /** Resolves when the hub has granted it, however many connections that takes; rejects when it refuses. One handler a filter. */
  subscribe(filter: string, handler: Handler, options?: SubscribeOptions): Promise<Subscription>;
  /**
   * Sends a command to a device, whatever it speaks, and resolves to its reply. Never sent twice. Rejects with `device.unknown`,
   * `device.offline`, `device.no-answer` (it may have acted all the same: no reply in time, or the connection was lost meanwhile), or
   * `bus.unavailable` when there was no connection in that time.
   */
  command(device: string, name: string, payload?: unknown, options?: CommandOptions): Promise<Reply>;
  /**
   * This client as a device, by its `clientId`: what the handler returns, or its promise resolves to, is the reply, on the connection
   * that is there by then. When it throws no reply is sent. `*`: all commands without a handler of their own. Returns how to end it.
   */
  onCommand(name: string, handler: CommandHandler, options?: ReplyOptions): () => void;
  on: Events<ClientEvents>['on'];
  /** Waits for the publishes that are open, at most `timeoutMs` (default 5 s), then ends for good. What is open then rejects. */
  close(timeoutMs?: number): Promise<void>;
}

/** A connection that held so long was a good one: the next attempt begins with the short delay. */
const STEADY_MS = 5_000;
/** Acknowledgements of one moment go together. */
const ACK_DELAY_MS = 5;

/** Any code but those that say what was wrong. */
const ABNORMAL = 1006;

const platformSocket: OpenSocket = (url, subprotocols) => new WebSocket(url, subprotocols);

export function createClient(options: ClientOptions): Client {
  const {
    connectTimeoutMs = 10_000,
    pingIntervalMs = 15_000,
    minDelayMs = 250,
    maxDelayMs = 30_000,
  } = options;
  const { openSocket = platformSocket, clock = systemClock, random = Math.random } = options;
  const events = createEvents<ClientEvents>();
  const proof = proofOf(options);
  let connection: Connection | undefined;
  /** The same once the hub has spoken. */
  let wire: Connection | undefined;
  let clientId: string | undefined;
  let failures = 0;
  let ended: TriviumError | undefined;
  let stopRetry = (): void => undefined;
  let settled = (): void => undefined;
  let ids = 0;
  const nextId = (): number => ++ids;

  const sending = { nextId, clock, maxWaitingBytes: options.maxWaitingBytes ?? 4_194_304, wire: () => wire };
  const publishing = createPublishing({ ...sending, maxOpen: options.maxOpenPublishes ?? 1_000 });
  const calling = createCalling({ ...sending, maxOpen: options.maxOpenCommands ?? 100 });
  const commanded = createCommanded({ clock, wire: () => wire, onFailed: handlerFailed });
  const acknowledging = createAcknowledging({
    send: (pos) => wire?.send({ op: 'ack', pos }),
    soon: (run) => void clock.after(ACK_DELAY_MS, run),
  });
  const subscribing = createSubscribing({
    nextId,
    clock,
    wire: () => wire,
    give,
    onRefused: (_filter, error) => void events.emit('error', error),
  });

  function handlerFailed(error: unknown): void {
    if (events.emit('error', error)) return;
    queueMicrotask(() => {
      throw error;
    });
  }

  function give(entries: readonly Entry[], message: Message): void {
    let slow: Promise<unknown>[] | undefined;
    for (const { handler } of entries) {
      try {
        const result = handler(message);
        if (isPromise(result)) (slow ??= []).push(result.catch(handlerFailed));
      } catch (error) {
        handlerFailed(error);
      }
    }
    if (message.pos !== undefined) acknowledging.given(message.pos, slow && Promise.all(slow));
  }

  const take = (frame: ServerFrame): void => {
    if ('pos' in frame) subscribing.reached(frame.pos);
    switch (frame.op) {
      case 'msg':
        return subscribing.message(messageOf(frame));
      case 'ok':
      case 'err':
        if (publishing.answered(frame)) {
          if (publishing.open === 0) settled();
        } else if (frame.op === 'err' && calling.answered(frame)) return;
        else if (!subscribing.answered(frame) && frame.op === 'err') events.emit('error', errorOf(frame));
        return;
      case 'cmd':
        return commanded.came(commandOf(frame));
      case 'reply':
        return void calling.answered(frame);
      case 'pong':
        return;
    }
  };

  const connect = (): void => {
    let since: number | undefined;
    connection = openConnection({
      url: address(options),
      openSocket,
      clock,
      connectTimeoutMs,
      pingIntervalMs,
      proof: proof?.frame,
      onHello(hello) {
        since = clock.now();
        wire = connection;
        clientId = hello.clientId;
        subscribing.connected(hello.pos ?? 0);
        publishing.connected();
        calling.connected();
        commanded.connected();
        events.emit('connected', { clientId: clientId ?? '' });
      },
      onFrame: take,
      onGone(code, reason, refused) {
        wire = connection = clientId = undefined;
        acknowledging.reset();
        subscribing.disconnected();
        // A command may have been what was too large. None is under way any more then, and publishes have another try.
        publishing.disconnected(calling.open > 0 ? ABNORMAL : code);
        calling.disconnected();
        if (since !== undefined && clock.now() - since >= STEADY_MS) failures = 0;
        const refusal = refusalOf(code, reason);
        // With a fresh proof another attempt may end otherwise: where the last one was not good, or is good no more.
        const mayRenew = proof?.renewed === true && (since !== undefined || refusal?.renewable === true);
        if (refusal !== undefined && !mayRenew) finish(refusal.code, refusal.message);
        const delay = delayMs(failures++, { minDelayMs, maxDelayMs }, random());
        const retryInMs = ended ? undefined : Math.max(delay, refused?.retryAfterMs ?? 0);
        if (retryInMs !== undefined) stopRetry = clock.after(retryInMs, connect);
        events.emit('disconnected', { code, reason, retryInMs });
      },
    });
  };

  const finish = (code: ErrorCode, reason: string): void => {
    if (ended !== undefined) return;
    ended = new TriviumError(code, reason === '' ? undefined : reason);
    stopRetry();
    publishing.close(ended);
    calling.close(ended);
    commanded.close();
    subscribing.close(ended);
    settled();
    connection?.close();
  };

  connect();
  return {
    get clientId() {
      return clientId;
    },
    publish(topic, payload, how = {}) {
      if (ended !== undefined) return Promise.reject(ended);
      return publishing.publish(pubFrame(topic, payload, how), how.qos !== 0);
    },
    subscribe(filter, handler, how = {}) {
      if (ended !== undefined) return Promise.reject(ended);
      return subscribing.subscribe(filter, handler, how);
    },
    command(device, name, payload, how = {}) {
      if (ended !== undefined) return Promise.reject(ended);
      return calling.call(cmdFrame(device, name, payload, how), how.timeoutMs);
    },
    onCommand: commanded.handle,
    on: events.on,
    async close(timeoutMs = 5_000) {
      if (ended === undefined && publishing.open > 0)
        await new Promise<void>((resolve) => {
          const stop = clock.after(timeoutMs, resolve);
          settled = () => {
            stop();
            resolve();
          };
        });
      finish('bus.unavailable', 'the client was closed');
    },
  };
}

function address({ url, clientId }: ClientOptions): string {
  const base = typeof url === 'string' ? url : url();
  if (clientId === undefined) return base;
  return `${base}${base.includes('?') ? '&' : '?'}clientId=${encodeURIComponent(clientId)}`;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
