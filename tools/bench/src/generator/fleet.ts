import { eachOf } from './each-of.ts';
import { Link, type LinkHandlers } from './link.ts';
import { OutBuffer } from './out-buffer.ts';
import { PUBACK, PUBLISH } from './packets.ts';
import type { LoadPlan } from './plan.ts';
import { Publisher } from './publisher.ts';
import { Subscriber } from './subscriber.ts';
import { type LoadResult, Tally } from './tally.ts';

const READ_BUFFER_BYTES = 256 << 10;

export interface Fleet {
  readonly plan: LoadPlan;
  readonly tally: Tally;
  readonly out: OutBuffer;
  readonly publishers: readonly Publisher[];
  readonly subscribers: readonly Subscriber[];
  /** Called when a publisher may have got credit: a delivery, an acknowledgement, a socket that takes bytes again. */
  onCredit: (publisher: Publisher) => void;
  openPublishers(): Promise<void>;
  /** `clean` off asks for a persistent session; `subscribe` off resumes one. */
  openSubscribers(how?: { clean: boolean; subscribe: boolean }): Promise<void>;
  close(which: readonly { link: Link | undefined }[]): Promise<void>;
  /** Deliveries that all messages sent so far should bring. */
  expected(): number;
  unacknowledged(): number;
  result(): LoadResult;
}

/** All connections of one generator process and what they count. */
export function createFleet(plan: LoadPlan): Fleet {
  const { qos, payloadBytes, window } = plan;
  const level = plan.level === undefined ? {} : { level: plan.level };
  const tally = new Tally();
  const out = new OutBuffer();
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

  const publishers = plan.publishers.map(({ id, topic, quota }) => {
    const fanout = plan.subscribers.filter((subscriber) => subscriber.publishers.includes(id)).length;
    return new Publisher({
      id,
      topic,
      qos,
      payloadBytes,
      window,
      fanout,
      quota: quota ?? Infinity,
      ...level,
    });
  });
  const byId = new Map(publishers.map((publisher) => [publisher.id, publisher]));
  const subscribers = plan.subscribers.map(
    ({ id, filter, publishers: heard }) =>
      new Subscriber({
        id,
        filter,
        publishers: heard.flatMap((publisher) => byId.get(publisher) ?? []),
        payloadBytes,
        ...level,
        tally,
        progress: (publisher) => fleet.onCredit(publisher),
      }),
  );

  const shared = {
    readStarts: () => void (tally.now = performance.now()),
    lost: () => void tally.lostConnections++,
  };
  const publisherHandlers = (publisher: Publisher): LinkHandlers => ({
    ...shared,
    packet: (first, bytes, start, end) => {
      if (first >> 4 === PUBACK && end - start >= 2 && publisher.acknowledge(bytes.readUInt16BE(start))) {
        tally.lastProgress = tally.now;
        fleet.onCredit(publisher);
      } else tally.malformed++;
    },
    readEnds: () => undefined,
    drained: () => fleet.onCredit(publisher),
  });
  const subscriberHandlers = (subscriber: Subscriber): LinkHandlers => ({
    ...shared,
    packet: (first, bytes, start, end) => {
      if (first >> 4 === PUBLISH) subscriber.publish(first, bytes, start, end, out);
      else tally.malformed++;
    },
    readEnds: (link) => out.sendTo(link),
    drained: () => undefined,
  });

  const fleet: Fleet = {
    plan,
    tally,
    out,
    publishers,
    subscribers,
    onCredit: () => undefined,
    openPublishers: () =>
      eachOf(publishers, async (publisher) => {
        const clientId = `${plan.prefix}p${publisher.id}`;
        const handlers = publisherHandlers(publisher);
        publisher.link = await Link.open({
          address: plan.publishAt,
          clientId,
          clean: true,
          ...level,
          readBuffer,
          handlers,
        });
      }),
    openSubscribers: (how = { clean: true, subscribe: true }) =>
      eachOf(subscribers, async (subscriber) => {
        const clientId = `${plan.prefix}s${subscriber.id}`;
        const handlers = subscriberHandlers(subscriber);
        const { clean } = how;
        subscriber.link = await Link.open({
          address: plan.subscribeAt,
          clientId,
          clean,
          ...level,
          readBuffer,
          handlers,
        });
        if (how.subscribe) await subscriber.link.subscribe(subscriber.filter, qos);
      }),
    close: (which) => eachOf(which, async ({ link }) => link?.close()),
    expected: () => publishers.reduce((sum, { sent, fanout }) => sum + sent * fanout, 0),
    unacknowledged: () =>
      publishers.reduce((sum, { link, unacknowledged }) => sum + (link?.isOpen ? unacknowledged : 0), 0),
    result: () => {
      const expected = fleet.expected();
      return {
        counts: {
          sent: publishers.reduce((sum, { sent }) => sum + sent, 0),
          acknowledged: publishers.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
          expected,
          delivered: tally.delivered,
          lost: expected - tally.delivered,
          duplicates: tally.duplicates,
          reordered: tally.reordered,
          misrouted: tally.misrouted,
          malformed: tally.malformed,
          stalls: tally.stalls,
          lostConnections: tally.lostConnections,
        },
        latency: tally.latency.data(),
        lag: tally.lag.data(),
      };
    },
  };
  return fleet;
}
