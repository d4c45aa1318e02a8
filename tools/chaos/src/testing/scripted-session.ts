import { matches } from '../accounts/filters.ts';
import { answerPacket, publishPacket, PUBREL, type QoS, type Will } from '../mqtt/packets.ts';
import type { Conscience } from './misdeeds.ts';

export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly publisher: string;
  readonly storedAt: number;
}

interface Out {
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  packetId: number;
  state: 'waiting' | 'sent' | 'released';
}

/** What a connection is to its session. */
export interface Wire {
  write(bytes: Buffer): void;
  end(): void;
}

const WINDOW = 50;

/** One of those that publish all the time. */
const isNumbered = (publisher: string): boolean => /-p\d+$/.test(publisher);

/** One session of the broker of the tests: filters, what is on its way to the client, QoS 2 from the client. */
export class ScriptedSession {
  readonly id: string;
  readonly filters = new Map<string, QoS>();
  readonly incoming = new Set<number>();
  wire: Wire | undefined;
  will: Will | undefined;
  connects = 0;
  #out: Out[] = [];
  #held: Out | undefined;
  #lastId = 0;
  readonly #conscience: Conscience;

  constructor(id: string, conscience: Conscience) {
    this.id = id;
    this.#conscience = conscience;
  }

  /** Offers a message that was published just now. */
  offer(message: Message): void {
    const { isTurn } = this.#conscience;
    const granted = [...this.filters].flatMap(([filter, qos]) =>
      matches(filter, message.topic) ? [qos] : [],
    );
    // Those who only look for a while are served well, so that all that is done wrong is seen.
    const isProbed = /-s\d+$/.test(this.id) && isNumbered(message.publisher);
    if (granted.length === 0) {
      if (isProbed && this.filters.size > 0 && isTurn('strayEvery')) this.#push(message, 1, false);
      return;
    }
    const qos = Math.min(message.qos, Math.max(...granted)) as QoS;
    if (!isProbed) return this.#push(message, qos, false);
    if (this.#isServedWell()) return this.#push(message, qos, false);
    if (isTurn('loseEvery')) {
      this.#conscience.give(this.id, message.payload);
      this.#conscience.lose(this.id, message.payload);
      return;
    }
    if (isTurn('corruptEvery')) return this.#push({ ...message, payload: `${message.payload}0` }, qos, false);
    if (isTurn('flagEvery')) return this.#push(message, qos, true);
    if (qos === 2 && isTurn('downgradeEvery')) return this.#push(message, 1, false);
    if (qos === 2 && isTurn('repeatEvery')) this.#push(message, qos, false);
    if (this.#held !== undefined && this.#held.message.topic === message.topic)
      return this.#swap(message, qos);
    if (this.#held === undefined && isTurn('swapEvery')) {
      this.#held = { message, qos, retain: false, packetId: 0, state: 'waiting' };
      return;
    }
    this.#push(message, qos, false);
  }

  /** Who subscribes and unsubscribes need not get everything: a loss there would be none. */
  #isServedWell(): boolean {
    const { loseEvery, loseBeforeKill } = this.#conscience.misdeeds;
    return (loseEvery !== undefined || loseBeforeKill === true) && !/-s[0-245]$/.test(this.id);
  }

  #swap(message: Message, qos: QoS): void {
    const held = this.#held as Out;
    this.#held = undefined;
    this.#push(message, qos, false);
    this.#push(held.message, held.qos, false);
  }

  offerRetained(message: Message, qos: QoS): void {
    this.#push(message, Math.min(message.qos, qos) as QoS, true);
  }

  /** After CONNACK: what is open, then what waits. */
  resume(): void {
    for (const out of this.#out) {
      if (out.state === 'released') this.wire?.write(answerPacket(PUBREL, out.packetId));
      else if (out.state === 'sent') this.#send(out, true);
    }
    this.#fill();
  }

  acknowledged(packetId: number): void {
    this.#out = this.#out.filter((out) => out.packetId !== packetId || out.state !== 'sent' || out.qos !== 1);
    this.#fill();
  }

  received(packetId: number): void {
    const out = this.#out.find((one) => one.packetId === packetId && one.qos === 2);
    if (out === undefined) return;
    out.state = 'released';
    this.wire?.write(answerPacket(PUBREL, packetId));
  }

  completed(packetId: number): void {
    this.#out = this.#out.filter((out) => out.packetId !== packetId || out.state !== 'released');
    this.#fill();
  }

  /** Forgets what was stored after `time` and is not on its way. */
  loseSince(time: number): void {
    if (this.#isServedWell()) return;
    const isLost = ({ state, message, retain }: Out): boolean =>
      state === 'waiting' && !retain && message.storedAt >= time && isNumbered(message.publisher);
    for (const { message } of this.#out.filter(isLost)) this.#conscience.lose(this.id, message.payload);
    this.#out = this.#out.filter((out) => !isLost(out));
  }

  #push(message: Message, qos: QoS, retain: boolean): void {
    if (!retain) this.#conscience.give(this.id, message.payload);
    this.#out.push({ message, qos, retain, packetId: 0, state: 'waiting' });
    this.#fill();
  }

  #fill(): void {
    if (this.wire === undefined) return;
    let open = this.#out.filter(({ state }) => state !== 'waiting').length;
    for (const out of this.#out) {
      if (open >= WINDOW) return;
      if (out.state !== 'waiting') continue;
      out.packetId = this.#nextId(out);
      out.state = 'sent';
      open++;
      this.#send(out, false);
    }
  }

  #nextId({ qos }: Out): number {
    const other = this.#out.find((one) => one.state === 'sent' && one.qos === 2);
    if (qos === 2 && other !== undefined && this.#conscience.isTurn('reusesIdsEvery')) return other.packetId;
    do this.#lastId = (this.#lastId % 1_000) + 1;
    while (this.#out.some((one) => one.state !== 'waiting' && one.packetId === this.#lastId));
    return this.#lastId;
  }

  #send({ message, qos, retain, packetId }: Out, again: boolean): void {
    const { topic, payload, publisher } = message;
    const hides = again && this.#conscience.misdeeds.hidesRepeats === true;
    this.wire?.write(publishPacket({ topic, payload, qos, retain, dup: again && !hides, packetId }));
    if (isNumbered(publisher) && /-s\d+$/.test(this.id) && this.#conscience.isTurn('cutEvery'))
      this.wire?.end();
  }
}
