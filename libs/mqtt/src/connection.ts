import type { ErrorCode } from '@trivium/contracts';
import type { Command, CommandReceiver } from '@trivium/commands';
import type { HeldSession, Owner } from '@trivium/sessions';
import type { Access } from '@trivium/identity';
import type { Quota } from '@trivium/limits';
import { ClientRights } from './client-rights.ts';
import { ConnectionView } from './connection-view.ts';
import { connectLevel } from './codec/connect.ts';
import { sendCommand } from './command-out.ts';
import { decodeControlPacket } from './codec/decode.ts';
import { AFTER_CONNECT, mayBeLong } from './codec/first-byte.ts';
import { FrameSplitter } from './codec/frame-splitter.ts';
import { CONNECT, PUBACK, PUBLISH } from './codec/packet-type.ts';
import type { DoorParts } from './door-parts.ts';
import { BULK_BYTES, type Servable } from './door-turn.ts';
import { farewell, logEnd } from './farewell.ts';
import { HOLD, type Hold } from './hold.ts';
import type { IntakeHost } from './intake-host.ts';
import { keepAliveTicks, LINGER_TICKS, ticksFor } from './keepalive.ts';
import { Outbox } from './outbox.ts';
import { PublishIntake } from './publish-intake.ts';
import { NEW_SESSION } from './session.ts';
import type { CloseReason, Session, SessionClient, SessionEffect, SessionInput } from './session.ts';
import { step } from './session-step.ts';
import { restore } from './restoring.ts';
import { Subscriber } from './subscriber.ts';
import { judgedWill } from './will-contract.ts';
import type { Peer, Transport, TransportSink } from './transport.ts';

/**
 * One client: its bytes in and out, one packet at a time. What it sends is served in order; while a packet waits for the hub, later ones
 * stay where they are, and the transport is not read. It ends once, in `close`.
 */
export class Connection implements TransportSink, Servable, IntakeHost, Owner, CommandReceiver {
  readonly id: string;
  readonly outbox: Outbox;
  /** From the claim of its session on. */
  quota: Quota | undefined;
  readonly #parts: DoorParts;
  readonly #transport: Transport;
  readonly #peer: Peer;
  readonly #splitter: FrameSplitter;
  readonly #rights: ClientRights;
  #session: Session = NEW_SESSION;
  #client: SessionClient | undefined;
  #opened = false;
  #intake: PublishIntake | undefined;
  readonly #view: ConnectionView;
  #ended = false;
  #holds = 0;
  #paused = false;
  #serving = false;
  /** Has its place in the turn. */
  #queued = false;
  /** The client has sent its last byte. */
  #inputEnded = false;
  /** Tick at which the client was last heard, and after how many it is given up. */
  #heardAt: number;
  #patience: number;

  constructor(parts: DoorParts, transport: Transport, peer: Peer, id: string) {
    this.id = id;
    this.#parts = parts;
    this.#transport = transport;
    this.#peer = peer;
    this.outbox = new Outbox(parts, transport);
    this.#rights = new ClientRights(parts.identity, peer);
    this.#view = new ConnectionView(this.#rights);
    this.#splitter = new FrameSplitter(parts.config.maxPacketBytes);
    this.#heardAt = parts.ticks.now;
    this.#patience = ticksFor(parts.config.connectTimeoutMs);
  }

  get client(): SessionClient {
    return this.#client!;
  }

  get access(): Access {
    return this.#rights.access;
  }

  /** Messages from the client that wait for their PUBACK. */
  get openPublishes(): number {
    return this.#intake?.open ?? 0;
  }

  // What the transport tells.

  onData(chunk: Buffer): void {
    if (this.#ended) return;
    this.#parts.stats.bytesIn += chunk.length;
    this.#splitter.feed(chunk);
    if (this.#holds !== 0) return this.#pause();
    this.#takeTurn(chunk.length);
  }

  onDrain(): void {
    if (this.#ended) return;
    this.outbox.drained();
    this.#view.subscriber?.resumeWhenRoomy();
  }

  onEnd(): void {
    this.#inputEnded = true;
    this.serve();
  }

  onClose(): void {
    this.#inputEnded = true;
    do this.serve();
    while (this.#queued);
    this.close('client.gone');
    this.#parts.connections.delete(this);
    this.#parts.stats.connections--;
  }

  // What the hub tells: commands, and the owners of client ids.

  onCommand(command: Command): ErrorCode | undefined {
    if (!this.#opened || this.#ended) return 'device.offline';
    return sendCommand(this.#parts, this.client, this.#subscriberOfClient(), this.outbox, command);
  }

  claimed(held: HeldSession): void {
    this.#view.held = held;
    this.#step({ on: 'claimed', present: held.present });
  }

  claimFailed(code: ErrorCode): void {
    this.#step({ on: 'claim-failed', code });
  }

  takenOver(): void {
    this.#parts.stats.takeovers++;
    this.close('session.taken-over');
  }

  /** Serves nothing more until every reason has been released. */
  hold(reason: Hold): void {
    this.#holds |= reason;
  }

  release(reason: Hold): void {
    if ((this.#holds & reason) === 0) return;
    this.#holds &= ~reason;
    if (this.#holds !== 0) return;
    this.#heardAt = this.#parts.ticks.now; // silence while nobody listened does not count
    this.serve();
    if (this.#holds === 0) this.#resume();
  }

  /** The door's timer. */
  tick(now: number, nowMs: number): void {
    if (this.#ended) {
      if (now - this.#heardAt >= this.#patience) this.#transport.destroy();
      return;
    }
    if (this.#rights.due(nowMs) && !this.#renew(nowMs)) return;
    if (this.quota?.isReady(nowMs) === true) this.release(HOLD.rate);
    if (this.#ended) return;
    if (this.#inputEnded) return this.#endOfInput();
    if (this.#holds !== 0 && this.#session.phase !== 'signing-in') this.#heardAt = now;
    else if (now - this.#heardAt >= this.#patience) this.close('keepalive.timeout');
  }

  /** The one way out; the first reason counts. What was written leaves, what the client still sends is not looked at. */
  close(reason: CloseReason, detail?: string): void {
    if (this.#ended) return;
    const parts = this.#parts;
    const client = this.#client;
    this.#ended = true;
    this.#session = { phase: 'closed' };
    // First, while the session's state can still be asked for. DISCONNECT drops the will [MQTT3-3.14.4-3].
    const will = this.#opened && reason !== 'client.disconnected' && this.#rights.mayLeaveWill;
    parts.owners.leave(this, { will });
    this.quota?.leave();
    this.#intake?.close();
    this.#view.subscriber?.close();
    if (client !== undefined && this.#opened) {
      parts.stats.sessions--;
      parts.events.disconnected(client, this.id, this.#peer.address, reason);
    }
    parts.stats.closed[reason] = (parts.stats.closed[reason] ?? 0) + 1;
    const { address, kind } = this.#peer;
    logEnd(parts.logger, { connection: this.id, client: client?.id, address, kind, code: reason, detail });
    const last = this.#opened ? farewell(client!, reason, detail, parts.config.serverReference) : undefined;
    if (last !== undefined) this.outbox.send(last);
    this.outbox.flush();
    this.#heardAt = parts.ticks.now;
    this.#patience = LINGER_TICKS;
    if (reason === 'keepalive.timeout' && client?.level !== 5) this.#transport.destroy();
    else this.#transport.end();
    this.#resume();
  }

  /** Serves what has come, as far as nothing holds it up. */
  serve(): void {
    this.#queued = false;
    if (this.#serving || this.#holds !== 0) return;
    this.#serving = true;
    const splitter = this.#splitter;
    let enough = false;
    while (!enough && this.#holds === 0 && !this.#ended && splitter.next()) {
      enough = mayBeLong(splitter.first);
      this.#dispatch(splitter);
    }
    this.#serving = false;
    if (this.#ended || this.#holds !== 0) return;
    if (enough && splitter.waiting > 0) return this.#takeTurn(BULK_BYTES);
    this.#resume();
    if (splitter.fault !== undefined)
      this.#step({ on: 'refused', error: { code: splitter.fault, message: 'the header of a packet' } });
    else if (this.#inputEnded) this.#endOfInput();
  }

  #takeTurn(bytes: number): void {
    const queued = this.#queued;
    this.#queued = true;
    if (bytes >= BULK_BYTES) this.#pause();
    this.#parts.turn.received(queued ? undefined : this, bytes);
  }

  #dispatch({ first, buffer, start, end, shortest }: FrameSplitter): void {
    this.#heardAt = this.#parts.ticks.now;
    const level = this.#client?.level;
    if (!shortest && level === 5)
      return this.close('protocol.malformed', 'a remaining length that is not in its shortest form'); // [MQTT-1.5.5-1]
    // Before it is open a client of MQTT 5 may be authenticating: then these two are out of place.
    if (this.#opened && first >> 4 === PUBLISH) {
      this.#intakeOfClient().take(first, buffer, start, end);
      const quota = this.quota!;
      if (!quota.limited || quota.spend(end - start, this.#parts.now())) return;
      this.#parts.stats.slowed++;
      return this.hold(HOLD.rate); // what is more than the client may publish now waits in its socket
    }
    if (this.#opened && first === PUBACK << 4 && end - start === 2) {
      const packetId = (buffer[start]! << 8) | buffer[start + 1]!;
      if (this.#view.subscriber?.acknowledged(packetId) === true) return;
    }
    const decoded = decodeControlPacket(first, buffer, start, end, level);
    if (decoded.ok) this.#step({ on: 'packet', packet: decoded.value });
    else {
      const asked = first === CONNECT << 4 ? connectLevel(buffer, start, end) : undefined;
      this.#step({ on: 'refused', error: decoded.error, ...(asked === undefined ? {} : { level: asked }) });
    }
  }

  /** Nothing more comes: the connection ends as soon as what the client published is acknowledged. */
  #endOfInput(): void {
    if (this.#holds === 0 && this.openPublishes === 0) this.close('client.gone');
  }

  #step(input: SessionInput): void {
    const { session, effects } = step(this.#session, input, this.#parts.rules, this.#view);
    this.#session = session;
    const { phase } = session;
    if (phase === 'signing-in' || phase === 'claiming' || phase === 'restoring' || phase === 'answering')
      this.hold(HOLD.busy);
    for (const effect of effects) this.#run(effect);
    if (phase === 'open') this.release(HOLD.busy);
  }

  #run(effect: SessionEffect): void {
    const { events, stats, ticks } = this.#parts;
    switch (effect.do) {
      case 'authenticate':
        return this.#authenticate(effect);
      case 'sign-in':
        this.#accept(effect.client);
        return this.#rights.signIn(effect, (input) => this.#step(input));
      case 'claim':
        // A client that has closed its side and sent nothing more is gone: its session stays with whoever has it.
        if (this.#inputEnded && this.#splitter.waiting === 0) return this.close('client.gone');
        this.#accept(effect.client);
        return this.#claim(effect.client);
      case 'refuse':
        stats.refused++;
        return;
      case 'open':
        this.#opened = true;
        this.#heardAt = ticks.now;
        this.#patience = keepAliveTicks(effect.client.keepAliveSeconds);
        stats.sessions++;
        return events.connected(effect.client, this.id, this.#peer.address);
      case 'send':
        // An answer that cannot be made smaller [MQTT-3.1.2-24].
        if (effect.packet.length > (this.#client?.maximumPacketBytes ?? Infinity))
          return this.close('payload.too-large', 'the answer is larger than the client takes');
        return this.outbox.send(effect.packet);
      case 'restore':
        if (this.#view.held!.present) stats.resumed++;
        return this.#await(restore(this.#view.held!, this.#intakeOfClient(), this.#subscriberOfClient()));
      case 'subscribe':
        return this.#await(this.#subscriberOfClient().subscribe(effect.subscriptions));
      case 'unsubscribe':
        return this.#await(this.#subscriberOfClient().unsubscribe(effect.filters));
      case 'acknowledged':
        this.#view.subscriber?.acknowledged(effect.packetId);
        return;
      case 'received':
        return this.#subscriberOfClient().received(effect.packetId);
      case 'rejected':
        return this.#view.subscriber?.rejected(effect.packetId);
      case 'completed':
        return this.#view.subscriber?.completed(effect.packetId);
      case 'released':
        return this.#intakeOfClient().released(effect.packetId);
      case 'expire':
        this.#view.held!.expirySeconds = effect.seconds;
        return;
      case 'close':
        return this.close(effect.reason, effect.detail);
    }
  }

  #accept(client: SessionClient): void {
    this.#client = client;
    this.#splitter.accepted = AFTER_CONNECT[client.level];
  }

  #claim(client: SessionClient): void {
    const { quotas, owners, now } = this.#parts;
    const former = owners.find(client.id) as Connection | undefined;
    const { name, by } = this.access.principal;
    this.quota = quotas.enter(by === 'nothing' ? undefined : name, now(), former?.quota);
    if (this.quota === undefined)
      return this.#step({
        on: 'claim-failed',
        code: 'quota.exceeded',
        detail: 'connections of one principal',
      });
    const judged = judgedWill(this.#parts, client);
    if (!('will' in judged))
      return this.#step({ on: 'claim-failed', code: 'contract.violated', detail: judged.message });
    const will = judged.will && { ...judged.will, author: this.#rights.author(client) };
    owners.take(this.#parts.claimOf({ ...client, will }), this);
  }

  #authenticate(effect: SessionEffect & { do: 'authenticate' }): void {
    this.#accept(effect.client);
    const input = this.#rights.authenticate(effect);
    if (this.#opened && input.on === 'authenticated') this.#judgeAgain();
    this.#step(input);
  }

  /** Something has changed that is known of the client, or its proof has expired. False: the connection is over. */
  #renew(nowMs: number): boolean {
    const outcome = this.#rights.renew(nowMs);
    if (outcome === 'gone') this.close('auth.denied', 'the credentials do not count any more');
    else if (outcome === 'changed') this.#judgeAgain();
    return !this.#ended;
  }

  /** A will that is not allowed any more goes; a subscription that is not ends the connection, since nothing else can tell the client. */
  #judgeAgain(): void {
    if (this.#view.held !== undefined && !this.#rights.mayLeaveWill) this.#view.held.dropWill();
    void this.#view.subscriber?.judgeAgain().then((allowed) => {
      if (!allowed) this.close('auth.denied', 'a subscription is not allowed any more');
    });
  }

  /** Ends the phase that waits for it: resolves to undefined, or to why it failed. */
  #await(work: Promise<ErrorCode | undefined>): void {
    void work.then((code) => this.#step(code === undefined ? { on: 'done' } : { on: 'failed', code }));
  }

  #subscriberOfClient(): Subscriber {
    return (this.#view.subscriber ??= new Subscriber(this.#parts, this, this.#view.held!));
  }

  #intakeOfClient(): PublishIntake {
    return (this.#intake ??= new PublishIntake(this.#parts, this, this.#view.held!));
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#transport.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#transport.resume();
  }
}
