import type { Duplex } from 'node:stream';
import {
  errorCode,
  toConnackCode311,
  TriviumError,
  type ErrorCode,
  type QoS,
  type Refusal,
  type Result,
  type TopicFilter,
} from '@trivium/contracts';
import { createRights, type Access, type Principal, type Rights } from '@trivium/identity';
import type { Quota } from '@trivium/limits';
import type { AedesPublishPacket, Client, ConnectPacket, PublishPacket, Subscription } from 'aedes';
import type { Peer } from './aedes-door.ts';
import type { ClientOwner } from './client-owners.ts';
import { ClientPublisher, type PublisherHost } from './client-publisher.ts';
import { connectRefusal } from './connect-rules.ts';
import type { ConnectedClient } from './connection-events.ts';
import type { DoorParts } from './door-parts.ts';
import { FrameGate } from './frame-gate.ts';
import type { FilterOwner } from './hub-emitter.ts';
import {
  grantedToAedes,
  SubscribeBatch,
  type SubscribeAnswer,
  type SubscribeEntry,
} from './subscribe-batch.ts';
import { signIn } from './sign-in.ts';
import { subscribeFilter } from './subscribe-rules.ts';
import { Subscriber, type SubscriberHost } from './subscriber.ts';

/** Why a connection ended. */
export type CloseReason = ErrorCode | 'client.disconnected' | 'client.gone';

type ConnectAnswer = (error: Error | null, success: boolean | null) => void;

/**
 * One client of aedes, as the hub sees it: what aedes asks by its hooks is answered here. It ends once, when its gate is closed,
 * whoever closes it.
 */
export class Connection implements ClientOwner, PublisherHost, SubscriberHost, FilterOwner {
  readonly id: string;
  readonly gate: FrameGate;
  readonly #parts: DoorParts;
  readonly #peer: Peer;
  readonly #batch = new SubscribeBatch((entries) => this.attempt('SUBSCRIBE', () => this.#activate(entries)));
  #client: Client | undefined;
  #assigned = false;
  /** Who it is, and what it may do; once that is known. */
  #rights: Rights | undefined;
  /** From the claim of its client id on. */
  #quota: Quota | undefined;
  /** It has published faster than it may, and waits. */
  #slowed = false;
  #refusal: Refusal | undefined;
  #answerConnect: ConnectAnswer | undefined;
  #publisher: ClientPublisher | undefined;
  #subscriber: Subscriber | undefined;
  #connected: ConnectedClient | undefined;
  #reason: CloseReason | undefined;
  #detail: string | undefined;
  #closed = false;

  constructor(parts: DoorParts, socket: Duplex, peer: Peer, id: string) {
    this.id = id;
    this.#parts = parts;
    this.#peer = peer;
    this.gate = new FrameGate({
      socket,
      maxPacketBytes: parts.config.maxPacketBytes,
      stats: parts.stats,
      mayPublish: (bytes) => this.#mayPublish(bytes),
      onFault: (error) => this.#fault('aedes', error),
      onClosed: (error) => this.#onClosed(error),
    });
  }

  /** From the first packet on. */
  get client(): Client {
    return this.#client!;
  }

  /** Messages from the client that wait for their PUBACK. */
  get openPublishes(): number {
    return this.gate.unacknowledged;
  }

  // What aedes asks.

  /** CONNECT has come. */
  preConnect(client: Client, packet: ConnectPacket): void {
    this.#client = client;
    this.#assigned = packet.clientId === '';
    this.#refusal = connectRefusal(packet, this.#parts.config.maxClientIdBytes);
  }

  /** Who is it? Its client id is claimed when that is known. */
  authenticate(user: string | undefined, password: Uint8Array | undefined, answer: ConnectAnswer): void {
    this.#answerConnect = answer;
    if (this.#refusal !== undefined) return this.#refuseConnect(this.#refusal);
    const { address, loopback } = this.#peer;
    const known = this.#assigned ? {} : { client: this.client.id };
    const who = signIn(this.#parts.identity, this.#peer, user, password, { address, loopback, ...known });
    if (who instanceof Promise)
      void who.then((found) => this.attempt('CONNECT', () => this.#signedIn(found)));
    else this.#signedIn(who);
  }

  connackSent(returnCode: number | undefined): void {
    const { client } = this;
    if (returnCode !== 0) this.#parts.stats.refused++;
    if (returnCode === 1) this.#reason ??= 'protocol.unsupported-version'; // aedes' own answer [MQTT3-3.1.2-2]
    if (returnCode !== 0 || this.#closed) return;
    const protocol = client.version === 3 ? 'mqtt3.1' : 'mqtt3.1.1';
    this.#connected = { client: client.id, connection: this.id, protocol, address: this.#peer.address };
    this.#parts.stats.sessions++;
    this.#parts.events.connected(this.#connected);
  }

  publish(packet: PublishPacket, answer: (error?: Error | null) => void): void {
    this.#publisher ??= new ClientPublisher(this.#parts, this, this.client.id, this.#assigned);
    this.#publisher.take(packet, answer);
  }

  /** One filter of a SUBSCRIBE. Answered when it is active. */
  subscribe(request: Subscription, answer: SubscribeAnswer): void {
    const filter = subscribeFilter(request, this.#parts.topicLimits);
    if (filter.ok && !this.#rights!.subscribe(filter.value)) return answer(null, null);
    if (filter.ok) return this.#batch.add({ request, filter: filter.value, answer });
    const { code, message } = filter.error;
    if (code === 'filter.invalid') answer(new TriviumError(code, message));
    else answer(null, null);
  }

  unsubscribe(filter: string): void {
    if (this.#closed) return;
    this.#subscriber?.unsubscribe(filter as TopicFilter);
    this.#rights?.unsubscribe(filter);
  }

  acknowledged(packetId: number | undefined): void {
    this.#subscriber?.acknowledged(packetId);
  }

  /** Gives a message on its way to the client the packet id that it was counted under. */
  forward(packet: AedesPublishPacket): AedesPublishPacket {
    const packetId = this.#subscriber?.packetId;
    if (packetId !== undefined) packet.messageId = packetId;
    return packet;
  }

  keepaliveTimeout(): void {
    this.#reason ??= 'keepalive.timeout';
  }

  // What the owner of client ids tells.

  claimed(): void {
    this.attempt('CONNECT', () => this.#answerConnect?.(null, true));
  }

  claimFailed(code: ErrorCode): void {
    this.attempt('CONNECT', () =>
      this.#refuseConnect({ code, message: 'the client id could not be claimed' }),
    );
  }

  takenOver(): void {
    this.#parts.stats.takeovers++;
    this.end('session.taken-over');
  }

  // What publisher and subscriber ask.

  get access(): Access {
    return this.#rights!.access;
  }

  mayReceive(topic: string): boolean {
    return this.#rights!.mayReceive(topic);
  }

  // What the door asks.

  /** Its credentials may not count any more, or a filter of it not be allowed: then it ends. Its wait may be over: then it goes on. */
  tick(nowMs: number): void {
    this.attempt('a look at what it may do', () => {
      if (this.#rights?.holds(nowMs) === false) this.end('auth.denied', 'it may not be here any more');
    });
    if (!this.#slowed || !this.#quota!.isReady(nowMs)) return;
    this.#slowed = false;
    this.pump();
  }

  retry(): void {
    this.attempt('a retry', () => this.#publisher?.retry());
  }

  pump(): void {
    this.gate.pump();
  }

  /** Closes, after what was written has left. */
  end(reason: CloseReason, detail?: string): void {
    if (this.#closed) return;
    this.#reason ??= reason;
    this.#detail ??= detail;
    this.gate.destroy();
    this.attempt('close', () => this.#client?.close()); // within this turn, so that a successor finds it gone
  }

  /** Runs what must not throw: on the border to aedes nobody would catch it. A fault ends this connection and no other. */
  attempt(where: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fault(where, error);
    }
  }

  #mayPublish(bytes: number): boolean {
    const { bus, config, clock, stats } = this.#parts;
    if (this.#slowed || bus.publisher.pressed) return false;
    if (this.gate.unacknowledged >= config.maxOpenPublishes || this.#publisher?.ready === false) return false;
    if (this.#quota?.limited === true && !this.#quota.spend(bytes, clock.now())) {
      stats.slowed++;
      this.#slowed = true; // this one has come; what is more waits in the socket
    }
    return true;
  }

  #signedIn(who: Result<Principal>): void {
    if (this.#closed) return;
    if (!who.ok) return this.#refuseConnect(who.error);
    const { identity, owners, quotas, clock } = this.#parts;
    const access = identity.access(who.value, this.client.id, this.#assigned);
    if (!access.ok) return this.#refuseConnect(access.error);
    this.#rights = createRights(identity, access.value);
    const { name, by } = who.value;
    const former = owners.find(this.client.id);
    const passedOn = former instanceof Connection ? former.#quota : undefined;
    this.#quota = quotas.enter(by === 'nothing' ? undefined : name, clock.now(), passedOn);
    if (this.#quota === undefined)
      return this.#refuseConnect({ code: 'quota.exceeded', message: 'connections of one principal' });
    owners.take(this.client.id, name, this);
  }

  #refuseConnect({ code, message }: Refusal): void {
    this.#reason ??= code;
    this.#answerConnect?.(Object.assign(new Error(message), { returnCode: toConnackCode311(code) }), null);
  }

  #activate(entries: readonly SubscribeEntry[]): void {
    if (this.#closed) return;
    const subscriber = (this.#subscriber ??= new Subscriber(this.#parts, this));
    const admitted: SubscribeEntry[] = [];
    for (const entry of entries) {
      if (subscriber.admits(entry.filter)) admitted.push(entry);
      else {
        this.#rights!.unsubscribe(entry.filter);
        entry.answer(null, null);
      }
    }
    if (admitted.length === 0) return;
    const subscriptions = admitted.map(({ filter, request }) => ({ filter, qos: request.qos as QoS }));
    void subscriber.subscribe(subscriptions).then((code) =>
      this.attempt('SUBACK', () => {
        // 3.1.1 can only say "refused", which clients take for final: closing makes them come back and ask again.
        if (code !== undefined) return this.end(code, 'the subscription could not be made');
        if (!this.#closed) for (const entry of admitted) this.#grant(entry);
      }),
    );
  }

  #grant({ request, answer }: SubscribeEntry): void {
    this.#parts.emitter.subscribeFor(this, () => answer(null, grantedToAedes(request)));
  }

  #onClosed(error: Error | undefined): void {
    const { stats, owners, events } = this.#parts;
    const connected = this.#connected;
    const reason = (this.#reason ??= this.#reasonOf(error));
    this.#closed = true;
    stats.closed[reason] = (stats.closed[reason] ?? 0) + 1;
    if (connected !== undefined) stats.sessions--;
    // One by one: a fault in one must not keep the others from being done.
    this.attempt('close', () => this.#quota?.leave());
    this.attempt('close', () => this.#publisher?.close());
    this.attempt('close', () => this.#subscriber?.close());
    this.attempt('close', () => void (this.#client?.id && owners.leave(this.#client.id, this)));
    this.attempt('close', () => void (connected !== undefined && events.disconnected(connected, reason)));
    this.attempt('close', () => this.#log(reason, this.#detail ?? error?.message));
  }

  #reasonOf(error: Error | undefined): CloseReason {
    if (error !== undefined) {
      const code = errorCode(error);
      return code === 'defect' ? 'protocol.error' : code; // aedes' own errors have no code
    }
    return this.gate.disconnected ? 'client.disconnected' : 'client.gone';
  }

  #fault(where: string, error: unknown): void {
    this.#parts.stats.caughtFaults++;
    try {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      this.#parts.logger.error(
        { connection: this.id, where, message, stack },
        'a fault on the border to aedes',
      );
    } catch {
      // The fault is counted; a logger that fails too cannot say more.
    }
    this.#reason ??= 'defect';
    if (!this.#closed) this.gate.destroy();
  }

  #log(reason: CloseReason, detail: string | undefined): void {
    const { address, kind } = this.#peer;
    const fields = { connection: this.id, client: this.#client?.id, address, kind, code: reason, detail };
    if (reason === 'client.disconnected' || reason === 'client.gone' || reason === 'server.draining')
      this.#parts.logger.debug(fields, 'connection ended');
    else this.#parts.logger.info(fields, 'connection closed');
  }
}
