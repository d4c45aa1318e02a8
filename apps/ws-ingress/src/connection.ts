import type { Duplex } from 'node:stream';
import {
  commandTopic,
  publisherName,
  refuse,
  toWsClose,
  TriviumError,
  type ErrorCode,
  type Message,
  type Refusal,
  type Result,
} from '@trivium/contracts';
import type { Bus } from '@trivium/bus';
import type { CommandCaller, CommandDesk } from '@trivium/commands';
import type { Delivery } from '@trivium/delivery';
import type { MessageContracts } from '@trivium/message-contracts';
import { createRights, type Access, type Audit, type Credentials, type Identity } from '@trivium/identity';
import type { MessageRates } from '@trivium/limits';
import type { MessageTracing } from '@trivium/telemetry';
import type { WebSocket } from 'ws';
import { createCalling } from './calling.ts';
import type { Clock } from '@trivium/clock';
import { replyFrame } from './command-frames.ts';
import { closeReason } from './close-reason.ts';
import { createCommanded } from './commanded.ts';
import { decodeFrame, encodeFrame, errFrame, okFrame, type FrameId, type ServerFrame } from './codec.ts';
import type { WsConfig } from './config.ts';
import type { Call } from './command-step.ts';
import { createDelivering } from './delivering.ts';
import type { MessageFrames } from './message-frames.ts';
import { createOutbox } from './outbox.ts';
import { createPublishing } from './publishing.ts';
import { NEW_SESSION, refused, step, type Effect, type SessionLimits, type Step } from './session.ts';
import type { WsStats } from './stats.ts';
import { createSubscribing, type Granted } from './subscribing.ts';
import type { WriteTurn } from './write-turn.ts';

/** What all connections of a door share. */
export interface Surroundings {
  bus: Pick<Bus, 'publisher' | 'retain' | 'live'>;
  delivery: Delivery;
  contracts: MessageContracts;
  desk: CommandDesk;
  caller: CommandCaller;
  frames: MessageFrames;
  tracing: MessageTracing;
  turn: WriteTurn;
  clock: Clock;
  stats: WsStats;
  config: WsConfig;
  limits: SessionLimits;
  identity: Pick<Identity, 'version'>;
  audit: Audit;
  /** Undefined: clients may publish as much as they like. */
  rates: MessageRates | undefined;
}

/** An upgraded client. */
export interface Client {
  readonly id: string;
  /** We made the id up. */
  readonly assigned: boolean;
  /** The end of the log when it came. */
  readonly pos: number;
  readonly address: string;
  /** Different for every connection of this door. */
  readonly connection: string;
  readonly access: Access;
  /** Of the frame by which it came in, which the first word answers. */
  readonly answers?: FrameId | undefined;
  /** It shows again who it is. Never rejects. */
  prove(credentials: Credentials): Promise<Result<Access>>;
}

/** One client that speaks `trivium.v1`. */
export interface Connection {
  /** Why it was closed from this side; undefined: it was not. */
  readonly endReason: string | undefined;
  /** A turn of the door's clock. */
  tick(nowMs: number): void;
  /** Whether the client is read from has to be decided anew. */
  reconsider(): void;
  /** Takes nothing new, finishes what was accepted, then closes with `code`. */
  drain(code: ErrorCode): void;
  /** Closes now. Idempotent; the first reason counts. */
  close(code: number, reason: string): void;
}

/** Filter changes of one client that may wait before its socket is not read any more. */
const MAX_PENDING_CHANGES = 16;

/** Serves a client whose WebSocket has just been opened, and speaks first. Never throws. */
export function openConnection(
  ws: WebSocket,
  socket: Duplex,
  client: Client,
  surroundings: Surroundings,
): Connection {
  const { bus, delivery, contracts, desk, caller, frames, tracing, turn, clock, stats, config, limits } =
    surroundings;
  const { audit, rates } = surroundings;
  const rights = createRights(surroundings.identity, client.access);
  let session = NEW_SESSION;
  const publisher = { connection: client.connection, principal: client.access.principal.name };
  const of = { client: client.id, address: client.address };
  let proving = false;
  let draining: ErrorCode | undefined;
  let endReason: string | undefined;

  const outbox = createOutbox({
    ws,
    socket,
    turn,
    clock,
    maxBytes: config.maxOutputBytes,
    onFull: () => reconsider(),
    onDrained() {
      if (delivering.room) subscribing.resume();
      reconsider();
    },
  });

  const send = (frame: ServerFrame): void => outbox.send(encodeFrame(frame));

  const publishing = createPublishing({
    bus,
    client: client.id,
    name: publisherName(client.id, client.assigned),
    contracts,
    tracing,
    stats,
    onDone(id, pos) {
      if (pos !== undefined) send(okFrame(id, { pos }));
      else if (id !== undefined) send(okFrame(id));
      reconsider();
    },
    onFailed(id, error) {
      send(errFrame(error, id));
      reconsider();
    },
  });

  const delivering = createDelivering({
    client: client.id,
    outbox,
    frames,
    clock,
    stats,
    rights,
    maxUnacknowledged: config.maxUnacknowledged,
  });
  const subscribing = createSubscribing(delivery, delivering, rights, config.maxSubscriptions);
  const commanded = createCommanded({ desk, client: client.id, outbox, tracing, stats });
  const calling = createCalling({
    caller,
    client: client.id,
    maxOpen: config.maxOpenCalls,
    tracing,
    stats,
    onReply(id, body) {
      outbox.send(replyFrame(id, body));
      reconsider();
    },
    onFailed(id, error) {
      send(errFrame(error, id));
      reconsider();
    },
  });

  const take = ({ session: next, effects }: Step): void => {
    session = next;
    for (const effect of effects) run(effect);
  };

  const refuseFrame = (error: unknown, id: FrameId | undefined): void => {
    stats.framesRefused++;
    take(refused(session, error, id, limits));
  };

  const run = (effect: Effect): void => {
    switch (effect.do) {
      case 'send':
        return send(effect.frame);
      case 'publish':
        return publish(effect.id, effect.message);
      case 'subscribe':
        void settle(effect.id, subscribing.subscribe(effect.subs, effect.from));
        return reconsider();
      case 'unsubscribe':
        void settle(effect.id, subscribing.unsubscribe(effect.filters));
        return reconsider();
      case 'acknowledge':
        return acknowledge(effect.id, effect.pos);
      case 'authenticate':
        return void authenticate(effect.id, effect.credentials);
      case 'call':
        return call(effect.call);
      case 'reply':
        return commanded.reply(effect.command, effect.body);
      case 'close':
        return close(effect.code, effect.reason);
    }
  };

  const publish = (id: FrameId | undefined, message: Message): void => {
    const { access } = rights;
    const { topic, retain } = message;
    if (!access.unrestricted && !(access.may('publish', topic) && (!retain || access.may('retain', topic))))
      return refuseFrame(retain ? MAY_NOT_RETAIN : MAY_NOT_PUBLISH, id);
    const retryAfterMs = rates?.take(publisher, message.payload.length, clock.now()) ?? 0;
    if (retryAfterMs > 0) {
      stats.publishesLimited++;
      return send(errFrame(new TriviumError('rate.limited', undefined, { retryAfterMs }), id));
    }
    publishing.publish(id, message);
    if (publishing.open >= config.maxOpenPublishes) reconsider();
  };

  const call = (asked: Call): void => {
    const { access } = rights;
    const topic = commandTopic(asked.device, asked.name);
    if (!access.unrestricted && !access.may('command', topic)) return refuseFrame(MAY_NOT_COMMAND, asked.id);
    audit.write({ ...{ kind: 'command', principal: access.principal.name, object: topic }, ...of });
    calling.call(asked);
  };

  /** A later proof renews what is there; it makes nobody somebody else. */
  const authenticate = async (id: FrameId | undefined, credentials: Credentials): Promise<void> => {
    if (proving) return refuseFrame(ONE_AT_A_TIME, id);
    proving = true;
    const proven = await client.prove(credentials);
    proving = false;
    if (!proven.ok) return refuseFrame(proven.error, id);
    if (proven.value.principal.name !== rights.access.principal.name) return refuseFrame(SOMEBODY_ELSE, id);
    if (rights.renew(proven.value)) send(okFrame(id));
    else revoke();
  };

  const revoke = (): void => {
    stats.revoked++;
    close(toWsClose('auth.denied'), 'auth.denied: you may not do this any more');
  };

  const acknowledge = (id: FrameId | undefined, pos: number): void => {
    delivering.acknowledge(pos);
    if (id !== undefined) send(okFrame(id));
    if (delivering.room) subscribing.resume();
  };

  const settle = async (
    id: FrameId | undefined,
    change: Promise<Granted | Refusal | void>,
  ): Promise<void> => {
    try {
      const result = await change;
      if (result === undefined) send(okFrame(id));
      else if ('code' in result) refuseFrame(result, id);
      else {
        const granted = result.subs.map((sub) => sub.qos);
        send(okFrame(id, result.pos === undefined ? { granted } : { granted, pos: result.pos }));
      }
    } catch (error) {
      send(errFrame(error, id));
    }
    reconsider();
  };

  const reconsider = (): void => {
    if (ws.readyState !== ws.OPEN) return;
    if (draining !== undefined && publishing.open + subscribing.pending + calling.open === 0)
      return close(toWsClose(draining), draining);
    const hold =
      outbox.fullSinceMs !== undefined ||
      publishing.open >= config.maxOpenPublishes ||
      subscribing.pending >= MAX_PENDING_CHANGES ||
      bus.publisher.pressed;
    if (hold === ws.isPaused) return;
    if (hold) ws.pause();
    else ws.resume();
  };

  const close = (code: number, reason: string): void => {
    if (ws.readyState !== ws.OPEN) return;
    endReason = reason;
    leave();
    ws.close(code, closeReason(reason));
    // The client's own close frame has to be read for the handshake to end.
    ws.resume();
  };

  /** Nothing more is for this client. */
  const leave = (): void => {
    subscribing.detach();
    commanded.detach();
    calling.cancel();
  };

  const slow = (what: string): void => close(toWsClose('slow-consumer'), `slow-consumer: ${what}`);

  ws.on('message', (data: Buffer, isBinary) => {
    if (ws.readyState !== ws.OPEN) return;
    if (isBinary) return close(1003, 'trivium.v1 is JSON in text messages');
    stats.framesIn++;
    const text = data.toString();
    const frame = decodeFrame(text);
    // The reply to a command that it was given before finishes something.
    if (draining !== undefined && !(frame.ok && frame.value.op === 'reply')) {
      const error = new TriviumError('server.draining', undefined, { retryAfterMs: 1_000 });
      return send(errFrame(error, frame.ok ? frame.value.id : frame.id));
    }
    const next = step(session, frame, clock.now(), limits, text);
    if (next.session.refusedInARow > 0) stats.framesRefused++;
    take(next);
  });
  ws.on('close', leave);

  if (!client.assigned) {
    commanded.attach();
    // Whoever knows of the first word may send a command at once: nothing leaves before the bus brings them here.
    socket.cork();
    void bus.live
      .flush()
      .catch(() => undefined)
      .then(() => socket.uncork());
  }
  send(okFrame(client.answers, { clientId: client.id, pos: client.pos }));
  reconsider();

  return {
    get endReason() {
      return endReason;
    },
    tick(nowMs) {
      if (!rights.holds(nowMs)) return revoke();
      const since = [outbox.fullSinceMs, delivering.windowFullSinceMs];
      const [unread, unacknowledged] = since.map(
        (ms) => ms !== undefined && nowMs - ms >= config.slowTimeoutMs,
      );
      if (unread) slow(`${ws.bufferedAmount} bytes were not read in time`);
      else if (unacknowledged) slow(`${delivering.unacknowledged} messages were not acknowledged in time`);
    },
    reconsider,
    drain(code) {
      draining ??= code;
      commanded.detach();
      reconsider();
    },
    close,
  };
}

const MAY_NOT_PUBLISH = refuse('auth.denied', 'you may not publish to this topic').error;
const MAY_NOT_RETAIN = refuse('auth.denied', 'you may not publish to this topic, or retain there').error;
const MAY_NOT_COMMAND = refuse('auth.denied', 'you may not send this command to this device').error;
const SOMEBODY_ELSE = refuse('auth.denied', 'this connection belongs to somebody else').error;
const ONE_AT_A_TIME = refuse('protocol.error', 'another auth is being looked at').error;
