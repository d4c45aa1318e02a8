import { connectBus, type Bus, type Logger } from '@trivium/bus';
import type { SessionRecord, WillMessage } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HeldSession } from './held-session.ts';
import { createSessionOwners, type Claim, type Owner, type SessionOwners } from './session-owners.ts';
import { createSessionStore } from './session-store.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let nats: NatsServer;
let here: Door;
let there: Door;
/** It does not wait long for the answer of another door. */
let hasty: Door;
beforeAll(async () => {
  nats = await startNats();
  here = await door(nats);
  there = await door(nats);
  hasty = await door(nats, { takeoverTimeoutMs: 500 });
});
afterAll(async () => {
  await Promise.all([here, there, hasty].map((one) => one.close()));
  await nats.stop();
});

interface Door {
  bus: Bus;
  owners: SessionOwners;
  close(): Promise<void>;
}

async function door(
  server: NatsServer,
  { cursorIntervalMs = 60_000, takeoverTimeoutMs = 5_000 } = {},
): Promise<Door> {
  const bus = await connectBus({ config: { url: server.url, name: 'door' }, logger: quiet });
  const clock = {
    now: () => Date.now(),
    every(intervalMs: number, run: () => void) {
      const timer = setInterval(run, intervalMs);
      return () => clearInterval(timer);
    },
  };
  const owners = createSessionOwners({
    ...{ bus, logger: quiet, clock, cursorIntervalMs, cleanTtlSeconds: 60, takeoverTimeoutMs },
  });
  return {
    bus,
    owners,
    async close() {
      owners.close();
      await bus.close();
    },
  };
}

const CLEAN = { fresh: true, expirySeconds: 0 };

let run = 0;
let client = '';
beforeEach(() => void (client = `c ${++run}`));

/** A connection: closes when it is taken over, as connections do, unless it is frozen. */
class Connection implements Owner {
  readonly log: string[] = [];
  readonly id: string;
  readonly owners: SessionOwners;
  frozen = false;
  session: HeldSession | undefined;

  constructor(owners: SessionOwners, id: string) {
    this.owners = owners;
    this.id = id;
  }

  claimed(session: HeldSession): void {
    this.session = session;
    this.log.push(session.present ? 'present' : 'claimed');
  }

  takenOver(): void {
    this.log.push('taken over');
    if (!this.frozen) this.owners.leave(this, { will: true });
  }

  claimFailed(code: string): void {
    this.log.push(code);
  }
}

let connections = 0;
async function connect(at: Door, claim: Partial<Claim> = {}): Promise<Connection> {
  const connection = new Connection(at.owners, `${at.bus.incarnation}-${++connections}`);
  at.owners.take({ client, principal: 'me', fresh: false, expirySeconds: 3_600, ...claim }, connection);
  await waitFor(() => connection.log.length > 0, { timeoutMs: 45_000 });
  return connection;
}

const record = async (at: Door): Promise<SessionRecord | undefined> =>
  (await createSessionStore(at.bus).read(client))?.record;

const state = (pos: number) => ({
  pos,
  subscriptions: [{ filter: 'a', qos: 1 as const, from: 1 }],
  open: [{ id: 3, pos }],
});

describe('a client id', () => {
  test('[MQTT3-3.1.4-2] [MQTT-3.1.4-3] moves to the newest connection, with what the former one knew when it was closed', async () => {
    const first = await connect(here);
    first.session!.state = () => state(10);
    const second = await connect(there);
    expect([first.log, second.log]).toEqual([['claimed', 'taken over'], ['present']]);
    expect(second.session!.restored).toMatchObject(state(10));
    second.session!.state = () => state(20);
    const third = await connect(there);
    expect(third.session!.restored).toMatchObject({ ...state(20), epoch: first.session!.restored.epoch + 2 });
  });

  test('is taken from a door that does not answer, which then can write no more', async () => {
    const first = await connect(here);
    first.session!.state = () => state(10);
    await first.session!.save();
    first.frozen = true;
    const second = await connect(hasty);
    expect(second.session!.restored).toMatchObject(state(10));
    first.session!.state = () => state(99);
    await expect(first.session!.save()).rejects.toMatchObject({ code: 'session.taken-over' });
    here.owners.leave(first, { will: true });
    await here.owners.settled();
    expect(await record(here)).toMatchObject({ door: hasty.bus.incarnation, pos: 10 });
  });

  test('of forty connections at two doors at once is held by one', async () => {
    const all = Array.from({ length: 40 }, (_, i) => {
      const at = i % 2 === 0 ? here : there;
      const connection = new Connection(at.owners, `${at.bus.incarnation}-crowd${i}`);
      at.owners.take({ client, principal: 'me', ...(i % 3 === 0 ? CLEAN : { fresh: false }) }, connection);
      return connection;
    });
    const left = () =>
      all.filter(({ log }) => !log.includes('taken over') && !log.includes('bus.overloaded'));
    await waitFor(() => left().length === 1 && left()[0]!.session !== undefined, { timeoutMs: 45_000 });
    await Promise.all([here.owners.settled(), there.owners.settled()]);
    expect(await record(here)).toMatchObject({ connection: left()[0]!.id });
  });

  test('of somebody else is refused', async () => {
    await connect(here);
    expect((await connect(there, { principal: 'you' })).log).toEqual(['auth.denied']);
  });
});

describe('a session', () => {
  test('that is clean goes with its connection; one that is not stays, and is free', async () => {
    const clean = await connect(here, CLEAN);
    here.owners.leave(clean, { will: false });
    await here.owners.settled();
    expect(await record(here)).toBeUndefined();
    const kept = await connect(here);
    kept.session!.state = () => state(5);
    here.owners.leave(kept, { will: false });
    await here.owners.settled();
    expect(await record(here)).toMatchObject(state(5));
    expect((await record(here))!.door).toBeUndefined();
  });

  test('is written in time when its cursor moves, and not when nothing changes', async () => {
    const own = await door(nats, { cursorIntervalMs: 100 });
    const connection = await connect(own);
    let pos = 1;
    connection.session!.state = () => state(pos);
    await waitFor(async () => (await record(own))!.pos === 1);
    pos = 7;
    await waitFor(async () => (await record(own))!.pos === 7);
    const { revision } = (await createSessionStore(own.bus).read(client))!;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await createSessionStore(own.bus).read(client))!.revision).toBe(revision);
    await own.close();
  });

  test('is written once for many saves of a turn, and each is stored when it says so', async () => {
    const connection = await connect(here);
    let pos = 0;
    connection.session!.state = () => state(pos);
    const before = here.bus.stats.durablePublished;
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        pos = i + 1;
        const mine = pos;
        await connection.session!.save();
        expect((await record(there))!.pos).toBeGreaterThanOrEqual(mine);
      }),
    );
    expect(here.bus.stats.durablePublished - before).toBeLessThan(4);
  });

  test('that ended while NATS was away is written when it is back', async () => {
    await using server = await startNats();
    const own = await door(server);
    const connection = await connect(own);
    connection.session!.state = () => state(5);
    await server.kill();
    await waitFor(() => !own.bus.up);
    own.owners.leave(connection, { will: false });
    expect((await connect(own)).log).toEqual(['bus.unavailable']);
    await server.restart();
    await own.owners.settled();
    expect(await record(own)).toMatchObject(state(5));
    expect((await record(own))!.door).toBeUndefined();
    await own.close();
  });
});

test('a connection that ends before it went on with the session leaves what is known of QoS 2', async () => {
  const first = await connect(here);
  const log = first.session!.exactlyOnce!;
  log.state = () => ({ incoming: [], outgoing: [], begun: 70 });
  await new Promise<void>((resolve) => log.commit(resolve));
  first.frozen = true; // its cursor, written last, is below what it has completed
  for (let i = 0; i < 2; i++) {
    const brief = await connect(hasty);
    expect(brief.session!.exactlyOnce!.restored.begun).toBe(70);
    hasty.owners.leave(brief, { will: false });
    await hasty.owners.settled();
  }
  const last = await connect(hasty);
  last.session!.state = () => state(70);
  hasty.owners.leave(last, { will: false });
  await hasty.owners.settled();
  expect(await record(here)).toMatchObject({ exactlyOnce: false, pos: 70 });
  expect(await here.bus.bucket('qos2').get(client.replace(' ', '%20'))).toBeUndefined();
});

describe('a will', () => {
  const will: WillMessage = {
    topic: 'w/x',
    payload: Buffer.from('gone').toString('base64'),
    qos: 1,
    retain: false,
  };

  /** Wills of this client in the log. */
  async function published(at: Door): Promise<string[]> {
    const found: string[] = [];
    const follower = at.bus.follow({
      stream: 'MESSAGES',
      after: 0,
      onMessage: (_pos, { subject, data }) => {
        if (subject === `tv1.m.1.${client.replace(' ', '%20')}.w.x`) found.push(Buffer.from(data).toString());
      },
    });
    await follower.caughtUp();
    follower.close();
    return found;
  }

  test('of a door that is gone is due for the next owner, who publishes it once and forgets it', async () => {
    const first = await connect(here, { will });
    first.frozen = true;
    const second = await connect(hasty);
    expect(second.session!.restored.due).toMatchObject([{ will }]);
    await waitFor(async () => (await record(hasty))!.due === undefined);
    // The frozen door wakes up and thinks that the will is its own.
    here.owners.leave(first, { will: true });
    await here.owners.settled();
    expect(await published(here)).toEqual(['gone']);
  });

  test('is stored before its client id is free', async () => {
    await connect(here, { will });
    const second = await connect(there, { will });
    expect(await published(there)).toEqual(['gone']);
    there.owners.leave(second, { will: false });
    await there.owners.settled();
    expect(await published(there)).toEqual(['gone']);
  });
});
