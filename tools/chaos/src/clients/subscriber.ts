import { createFilters, isInForce, type Filters, type Term } from '../accounts/filters.ts';
import { createReceipts, type Receipts } from '../accounts/receipts.ts';
import { DUP, EXACTLY_ONCE, REPEATED, RETAIN } from '../accounts/trace.ts';
import {
  answerPacket,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  readPublish,
  SUBACK,
  subscribePacket,
  UNSUBACK,
  unsubscribePacket,
  type QoS,
} from '../mqtt/packets.ts';
import type { World } from '../world.ts';
import { createClient, type Client, type ClientOptions } from './client.ts';

export interface Wish {
  readonly filter: string;
  readonly qos: QoS;
}

/**
 * Receives by the book: a QoS 2 message is taken once between its PUBLISH and its PUBREL, whatever the door forgets
 * [MQTT3-4.3.3-2], answers go in the order of what they answer [MQTT3-4.6.0-2, -3]. SUBSCRIBE and UNSUBSCRIBE without an
 * answer go again after a reconnect.
 */
export interface Subscriber {
  readonly client: Client;
  readonly filters: Filters;
  readonly receipts: Receipts;
  subscribe(wish: Wish): void;
  unsubscribe(filter: string): void;
  isSubscribed(filter: string): boolean;
  /** Whether an answer about that filter is still to come. */
  isWaitingFor(filter: string): boolean;
  /** SUBSCRIBEs and UNSUBSCRIBEs without an answer. */
  readonly openRequests: number;
  /** QoS 2 exchanges that are not completed. */
  readonly openExchanges: number;
  tick(): void;
}

interface Request {
  readonly what: 'subscribe' | 'unsubscribe';
  readonly filter: string;
  readonly term: Term;
}

interface Exchange {
  readonly payload: string;
  readonly stream: number | undefined;
  readonly seq: number;
}

export interface SubscriberOptions extends ClientOptions {
  /** How long answers to the door are held back, so that a kill finds many exchanges open. */
  readonly answerDelayMs: number;
  /** Takes messages that are none of the numbered ones; false: it does not know them either. */
  other?(topic: string, payload: string): boolean;
  /** Hears of every retained message that a new subscription brings. */
  retained?(topic: string, payload: string, seq: number): void;
}

export function createSubscriber(world: World, options: SubscriberOptions): Subscriber {
  const { trace, messages, findings, tally, now } = world;
  const filters = createFilters();
  const requests = new Map<number, Request>();
  /** Packet ids between PUBLISH and PUBREL. */
  const exchanges = new Map<number, Exchange>();
  let answers: { bytes: Buffer; dueAt: number; record: () => void }[] = [];
  let lastRequestId = 0;

  const answer = (type: number, packetId: number, { stream, seq }: Omit<Exchange, 'payload'>): void => {
    const event = type === PUBACK ? 'PUBACK >' : type === PUBREC ? 'PUBREC >' : 'PUBCOMP >';
    const record = (): void => void trace.record(event, client.number, { stream, seq, packetId });
    const bytes = answerPacket(type, packetId);
    if (options.answerDelayMs > 0) answers.push({ bytes, dueAt: now() + options.answerDelayMs, record });
    else {
      record();
      client.write(bytes);
    }
  };

  const complain = (kind: 'protocol' | 'corrupt', text: string): void =>
    findings.add({ kind, text: `${client.name}: ${text}`, ms: now(), client: client.number });

  const published = (first: number, body: Buffer): void => {
    const publish = readPublish(first, body);
    if (publish === undefined) return complain('protocol', 'malformed PUBLISH');
    const { topic, payload, qos, retain, dup, packetId } = publish;
    const known = messages.recognise(topic, payload);
    const open = qos === 2 ? exchanges.get(packetId) : undefined;
    const [stream, seq] = [known?.stream.index, known?.seq ?? 0];
    const flags =
      (dup ? DUP : 0) | (retain ? RETAIN : 0) | (open ? REPEATED : 0) | (qos === 2 ? EXACTLY_ONCE : 0);
    trace.record('PUBLISH <', client.number, { stream, seq, packetId, flags });

    if (open !== undefined) {
      tally.repeatedExchanges++;
      const about = { ms: now(), client: client.number, ...(stream !== undefined && { stream, seq }) };
      const text = `${client.name}, packet id ${packetId}`;
      if (open.payload !== payload) findings.add({ kind: 'packet id in use', text, ...about });
      else if (!dup) findings.add({ kind: 'dup missing', text, ...about });
      return answer(PUBREC, packetId, open);
    }
    if (qos === 0) return complain('protocol', `QoS 0 for ${topic}, where QoS 1 or 2 was granted`);
    if (retain) options.retained?.(topic, payload, seq);
    if (known !== undefined) receipts.take({ ...known, qos, retain, dup, packetId });
    else if (options.other?.(topic, payload) !== true) complain('corrupt', `${topic}: ${payload}`);
    if (qos === 2) exchanges.set(packetId, { payload, stream, seq });
    answer(qos === 2 ? PUBREC : PUBACK, packetId, { stream, seq });
  };

  const released = (packetId: number): void => {
    const { stream, seq } = exchanges.get(packetId) ?? { stream: undefined, seq: 0 };
    trace.record('PUBREL <', client.number, { stream, seq, packetId });
    exchanges.delete(packetId);
    answer(PUBCOMP, packetId, { stream, seq });
  };

  const answered = (what: Request['what'], packetId: number, body: Buffer): void => {
    const request = requests.get(packetId);
    if (request?.what !== what)
      return complain('protocol', `an answer to ${what} ${packetId}, which waits for none`);
    requests.delete(packetId);
    const { term, filter } = request;
    const text = what === 'subscribe' ? `${filter}: ${body[2]}` : filter;
    const at = trace.record(what === 'subscribe' ? 'SUBACK <' : 'UNSUBACK <', client.number, {
      packetId,
      text,
    });
    if (what === 'unsubscribe') term.leftAt = at;
    else if (body[2] === term.qos) term.grantedAt = at;
    else
      findings.add({
        kind: 'granted less',
        text: `${client.name}: ${text}`,
        ms: now(),
        client: client.number,
      });
  };

  const send = (packetId: number, { what, filter, term }: Request): number => {
    const isSubscribe = what === 'subscribe';
    client.write(
      isSubscribe ? subscribePacket(packetId, filter, term.qos) : unsubscribePacket(packetId, filter),
    );
    const event = isSubscribe ? 'SUBSCRIBE >' : 'UNSUBSCRIBE >';
    return trace.record(event, client.number, { packetId, text: filter });
  };

  const client = createClient(world, options, {
    opened(sessionPresent) {
      if (!sessionPresent) exchanges.clear();
      for (const [packetId, request] of requests) send(packetId, request);
    },
    packet(first, body) {
      const type = first >> 4;
      if (type === PUBLISH) return published(first, body);
      if (body.length < 2) return complain('protocol', `packet type ${type} without packet id`);
      const packetId = body.readUInt16BE(0);
      if (type === PUBREL) released(packetId);
      else if (type === SUBACK) answered('subscribe', packetId, body);
      else if (type === UNSUBACK) answered('unsubscribe', packetId, body);
      else complain('protocol', `packet type ${type}`);
    },
    ended() {
      answers = [];
    },
  });
  const receipts = createReceipts(world, { filters, client: client.number, name: client.name });
  const requestId = (): number => (lastRequestId = (lastRequestId % 0xffff) + 1);
  const currentTerm = (filter: string): Term | undefined => filters.all.get(filter)?.at(-1);

  return {
    client,
    filters,
    receipts,
    subscribe({ filter, qos }) {
      const packetId = requestId();
      tally.subscribes++;
      // The term begins with the event of its first SUBSCRIBE, which is the next one.
      const request: Request = { what: 'subscribe', filter, term: filters.begin(filter, qos, trace.length) };
      requests.set(packetId, request);
      send(packetId, request);
    },
    unsubscribe(filter) {
      const term = currentTerm(filter);
      if (term === undefined || !isInForce(term)) return;
      const packetId = requestId();
      tally.unsubscribes++;
      const request: Request = { what: 'unsubscribe', filter, term };
      requests.set(packetId, request);
      term.leavingAt = send(packetId, request);
    },
    isSubscribed(filter) {
      const term = currentTerm(filter);
      return term !== undefined && isInForce(term);
    },
    isWaitingFor: (filter) => [...requests.values()].some((request) => request.filter === filter),
    get openRequests() {
      return requests.size;
    },
    get openExchanges() {
      return exchanges.size;
    },
    tick() {
      client.tick();
      if (answers.length === 0 || client.isFrozen) return;
      const due = answers.filter(({ dueAt }) => dueAt <= now());
      answers = answers.slice(due.length);
      for (const { bytes, record } of due) {
        record();
        client.write(bytes);
      }
    },
  };
}
