import type { World } from '../world.ts';
import { covers, isInForce, mayBring, type Filters, type Term } from './filters.ts';
import { NEVER, type Stream } from './messages.ts';

export interface Delivery {
  readonly stream: Stream;
  readonly seq: number;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
}

/** What one client has received, held against what it has subscribed to. */
export interface Receipts {
  /** A message came and was not recognised as the repetition of an exchange. */
  take(delivery: Delivery): void;
  has(stream: Stream, seq: number): boolean;
  /** Messages that it has to have and has not. To be asked when nobody subscribes or unsubscribes any more. */
  missing(): { stream: Stream; seq: number }[];
}

interface Row {
  /** How often message n came, at n - 1; retained messages of new subscriptions do not count. */
  readonly times: number[];
  /** The highest number that came, by the QoS at which it came: a subscription that ends may change that under way. */
  readonly highest: Map<number, number>;
  /** Every message up to here is there, or need not be. */
  settled: number;
}

export function createReceipts(
  { messages, findings, tally, now }: World,
  { filters, client, name }: { filters: Filters; client: number; name: string },
): Receipts {
  const rows: Row[] = [];
  const rowOf = (stream: Stream): Row =>
    (rows[stream.index] ??= { times: [], highest: new Map(), settled: 0 });

  const takeRetained = ({ stream, seq, dup }: Delivery): void => {
    tally.retainedDeliveries++;
    const about = { client, stream: stream.index, seq, ms: now() };
    if (!stream.retain) {
      findings.add({ kind: 'wrong retain flag', text: `${name}: never published with retain`, ...about });
    }
    // It may still have been on its way from the first time that the client subscribed; a repetition is older in any case.
    if (dup) return;
    const asked = Math.min(...filters.termsOf(stream).map(({ askedAt }) => askedAt));
    const newer = stream.acknowledgedAt.findIndex((at, index) => index >= seq && at < asked);
    if (newer === -1) return;
    const text = `${name} subscribed after no. ${newer + 1} had been acknowledged and got no. ${seq}`;
    findings.add({ kind: 'retained wrong', text, ...about });
  };

  /**
   * Not a message of before the subscription that was published once more after it: what is stored then is new to it, and
   * comes after what it has.
   */
  const hasOrder = ({ stream, seq }: Delivery, terms: readonly Term[]): boolean => {
    const sentAt = stream.sentAt[seq - 1] ?? NEVER;
    if (stream.qos === 2 || stream.transmissions[seq - 1] === 1) return true;
    return terms.some((term) => isInForce(term) && term.grantedAt <= sentAt);
  };

  /** Of each subscription the lower of both QoS, of several the highest [MQTT3-3.3.5-1]. */
  const checkQoS = (
    { stream, seq, qos }: Delivery,
    terms: readonly Term[],
    bringing: readonly Term[],
  ): void => {
    const sentAt = stream.sentAt[seq - 1] ?? NEVER;
    const certain = terms.filter((term) => isInForce(term) && term.grantedAt <= sentAt);
    const atLeast = Math.min(stream.qos, Math.max(1, ...certain.map((term) => term.qos)));
    const atMost = Math.min(stream.qos, Math.max(...bringing.map((term) => term.qos)));
    if (qos >= atLeast && qos <= atMost) return;
    const text = `${name}: QoS ${qos}, its subscriptions give ${atLeast === atMost ? '' : `${atLeast} or `}${atMost}`;
    findings.add({ kind: 'wrong qos', text, client, stream: stream.index, seq, ms: now() });
  };

  /**
   * Up to which message the term has to bring all. Once UNSUBSCRIBE is sent, what has not begun its way to the client need
   * not come any more [MQTT3-3.10.4-3]: then only what lies before a message that did come is missing.
   */
  const lastOf = (term: Term, stream: Stream, { times }: Row): number => {
    let seq = stream.sentAt.length;
    if (term.leavingAt === NEVER) return seq;
    while (seq > 0 && !((times[seq - 1] ?? 0) > 0 && covers(term, stream, seq))) seq--;
    return seq;
  };

  const missingOf = (stream: Stream): number[] => {
    const terms = filters.termsOf(stream);
    if (terms.length === 0) return [];
    const row = rowOf(stream);
    const ends = terms.map((term) => lastOf(term, stream, row));
    const canSettle = terms.every(({ leavingAt }) => leavingAt === NEVER);
    const found: number[] = [];
    for (let seq = row.settled + 1; seq <= stream.sentAt.length; seq++) {
      const absent = (row.times[seq - 1] ?? 0) === 0;
      if (absent && terms.some((term, at) => seq <= (ends[at] ?? 0) && covers(term, stream, seq)))
        found.push(seq);
      else if (canSettle && row.settled === seq - 1 && stream.acknowledgedAt[seq - 1] !== NEVER)
        row.settled = seq;
    }
    return found;
  };

  return {
    take(delivery) {
      if (delivery.retain) return takeRetained(delivery);
      tally.deliveries++;
      const { stream, seq, qos, packetId } = delivery;
      const about = { client, stream: stream.index, seq, ms: now() };
      const terms = filters.termsOf(stream);
      const bringing = terms.filter((term) => mayBring(term, stream, seq));
      if (bringing.length === 0) {
        findings.add({ kind: 'unasked', text: `${name}, packet id ${packetId}`, ...about });
      } else checkQoS(delivery, terms, bringing);

      const row = rowOf(stream);
      const before = row.times[seq - 1] ?? 0;
      const highest = row.highest.get(qos) ?? 0;
      row.times[seq - 1] = before + 1;
      if (before > 0 && qos === 2) {
        findings.add({ kind: 'qos 2 duplicate', text: `${name}, packet id ${packetId}`, ...about });
      } else if (before > 0) tally.qos1Duplicates.push(now());
      else if (seq < highest && hasOrder(delivery, terms)) {
        findings.add({ kind: 'out of order', text: `${name} had no. ${highest} before`, ...about });
      }
      row.highest.set(qos, Math.max(highest, seq));
    },
    has: (stream, seq) => (rows[stream.index]?.times[seq - 1] ?? 0) > 0,
    missing: () => messages.streams.flatMap((stream) => missingOf(stream).map((seq) => ({ stream, seq }))),
  };
}
