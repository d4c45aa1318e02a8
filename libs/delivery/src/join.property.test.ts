import type { Bus } from '@trivium/bus';
import { randomFrom, startNats, waitFor, type NatsServer } from '@trivium/testing';
import { expect, it } from 'vitest';
import { createDelivery } from './delivery.ts';
import { numbers, openBus, others, probe, quiet, store, sub, type Probe } from './probe.fixture.ts';
import type { AttachOptions, Delivery, KnownPositions } from './receiver.ts';

const SEED = Number(process.env['TRIVIUM_SEED'] ?? Date.now() % 1_000_000);
const TOPICS = 4;
const SESSIONS = 40;
const KILLS = 4;
const RETRY = { timeoutMs: 60_000 };

interface Session {
  topic: number;
  /** In the topic's numbering: the first message it must get. */
  first: number;
  probe: Probe;
  /** What its former connections got. */
  seen: string[];
  positions: number[];
  /** Messages that it takes between two stops, and how long those are. */
  portion: number;
}

/** What was stored: per topic the positions, in the order of the numbers. */
class Log {
  readonly positions: number[][] = Array.from({ length: TOPICS }, () => []);
  /** Everything up to here is in `positions`. */
  settled = 0;
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Some messages of one topic and many that nobody wants. Repeats what failed: a number may then be stored twice. */
  async grow(topic: number, count: number, noise: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const payload = String(this.positions[topic]!.length);
      const [pos] = await this.#sure([{ topic: `j/${topic}`, payload }]);
      this.positions[topic]!.push(pos!);
      this.settled = pos!;
    }
    if (noise > 0) this.settled = (await this.#sure(others(noise))).at(-1)!;
  }

  async #sure(messages: { topic: string; payload: string }[]): Promise<number[]> {
    for (;;) {
      try {
        return await store(this.#bus, messages);
      } catch {
        await waitFor(() => this.#bus.up, RETRY);
      }
    }
  }
}

/** What a position index might say: everything, a part, nothing, or it fails; now or a little later. */
function indexOf(log: Log, topic: number, random: (below: number) => number): AttachOptions['ask'] {
  const how = random(5);
  if (how === 0) return undefined;
  return async (after, upTo): Promise<KnownPositions | undefined> => {
    await new Promise((resolve) => setTimeout(resolve, random(20)));
    if (how === 1) throw new Error('away');
    if (how === 2) return undefined;
    const most = Math.min(upTo, log.settled);
    const through = how === 3 ? most : after + random(Math.max(1, most - after));
    return {
      from: after - random(10),
      through,
      positions: log.positions[topic]!.filter((pos) => pos <= through),
    };
  };
}

function openSession(log: Log, door: Delivery, random: (below: number) => number): Session {
  const topic = random(TOPICS);
  const known = log.positions[topic]!;
  const first = random(known.length);
  const made = { topic, first, seen: [], positions: [], portion: 1 + random(60) };
  return { ...made, probe: connect(log, door, random, topic, known[first]! - 1) };
}

function connect(
  log: Log,
  door: Delivery,
  random: (below: number) => number,
  topic: number,
  after: number,
): Probe {
  const ask = indexOf(log, topic, random);
  const room = random(3) === 0 ? Infinity : random(40);
  return probe(door, { after, room, ...(ask === undefined ? {} : { ask }) });
}

/** It goes away, and comes back where it was, or is another one that was away for long. */
function reconnect(session: Session, log: Log, door: Delivery, random: (below: number) => number): void {
  const { attachment } = session.probe;
  const { pos } = attachment;
  attachment.detach();
  session.seen.push(...session.probe.seen);
  session.positions.push(...session.probe.positions);
  if (random(2) === 0) {
    session.probe = connect(log, door, random, session.topic, pos);
    return;
  }
  check(session, log, false);
  Object.assign(session, openSession(log, door, random));
}

/** First deliveries, in order: a publish whose acknowledgement was lost is stored twice. */
function check({ topic, first, seen, positions }: Session, log: Log, whole: boolean): void {
  const firsts = [...new Set(seen)];
  expect(firsts).toEqual(numbers(first, whole ? log.positions[topic]!.length : first + firsts.length));
  expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
}

async function subscribed(session: Session, bus: Bus): Promise<void> {
  const subs = [sub(`j/${session.topic}`)];
  for (;;) {
    try {
      return await session.probe.attachment.subscribe(subs);
    } catch {
      await waitFor(() => bus.up, RETRY);
    }
  }
}

it(`whatever happens under way: no gap, no position twice, in order (TRIVIUM_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED);
  await using nats: NatsServer = await startNats();
  const writer = await openBus(nats.url);
  const bus = await openBus(nats.url);
  const door = createDelivery({ bus, logger: quiet });
  const log = new Log(writer);
  for (let i = 0; i < 50; i++) await log.grow(i % TOPICS, 10, 700);

  let writing = true;
  const traffic = (async () => {
    // Now dense, now sparse: what lies at a seam is then often a message that somebody must get.
    while (writing)
      await log.grow(random(TOPICS), 1 + random(5), random(8) === 0 ? random(8_000) : random(10));
  })();
  const sessions = Array.from({ length: SESSIONS }, () => openSession(log, door, random));
  let opening: Promise<unknown> = Promise.all(sessions.map((session) => subscribed(session, bus)));
  const pace = setInterval(() => {
    for (const { probe: slow, portion } of sessions) {
      if (slow.room > 1_000 || random(3) === 0) continue;
      slow.room = portion;
      slow.attachment.resume();
    }
  }, 2);

  for (let kill = 0; kill < KILLS; kill++) {
    const seen = (): number =>
      sessions.reduce((sum, one) => sum + one.seen.length + one.probe.seen.length, 0);
    const enough = seen() + random(600);
    await waitFor(() => seen() > enough, RETRY);
    const killed = nats.kill();
    await opening;
    opening = Promise.all(
      sessions
        .filter(() => random(2) === 0)
        .map((session) => {
          reconnect(session, log, door, random);
          return subscribed(session, bus);
        }),
    );
    await killed;
    await nats.restart();
    await waitFor(() => bus.up && writer.up, RETRY);
  }
  await opening;
  writing = false;
  await traffic;
  const last = (topic: number): string => String(log.positions[topic]!.length - 1);
  const isThere = ({ topic, seen, probe: { seen: now } }: Session): boolean =>
    (now.at(-1) ?? seen.at(-1)) === last(topic);
  await waitFor(() => sessions.every(isThere), RETRY);
  clearInterval(pace);

  for (const session of sessions) {
    const { probe: made } = session;
    session.seen.push(...made.seen);
    session.positions.push(...made.positions);
    check(session, log, true);
    expect(made.lost).toEqual([]);
    made.room = Infinity;
    made.attachment.resume();
  }
  await waitFor(() => sessions.every(({ probe: { attachment } }) => attachment.live), RETRY);
  door.close();
  await Promise.all([bus.close(), writer.close()]);
}, 180_000);
