import type { TriviumError } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { createClient, type ClientEvents, type ClientOptions } from './client.ts';
import { fakePlatform, turn } from './hub.fixture.ts';
import type { Message } from './codec.ts';

function setUp(more: Partial<ClientOptions> = {}) {
  const platform = fakePlatform();
  const { clock, openSocket } = platform;
  const client = createClient({ url: 'ws://hub/', clock, openSocket, random: () => 1, ...more });
  const told: [keyof ClientEvents, unknown][] = [];
  for (const event of ['connected', 'disconnected', 'error'] as const)
    client.on(event, (what) => void told.push([event, what]));
  return { platform, client, told };
}

/** What became of a promise, once it has been settled. */
function outcome<T>(promise: Promise<T>): { value?: T; code?: string } {
  const seen: { value?: T; code?: string } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: TriviumError) => (seen.code = error.code),
  );
  return seen;
}

const NEVER = new Promise<never>(() => undefined);

describe('connecting', () => {
  test('it is connected when the hub has spoken, and tells by which id', () => {
    const { platform, client, told } = setUp({ clientId: 'pump 7' });
    expect(platform.socket.url).toBe('ws://hub/?clientId=pump%207');
    expect(client.clientId).toBeUndefined();
    platform.socket.hello(0, 'pump 7');
    expect(client.clientId).toBe('pump 7');
    expect(told).toEqual([['connected', { clientId: 'pump 7' }]]);
  });

  test('the id is added to a query, and the address may be another one for each attempt', () => {
    let attempt = 0;
    const { platform } = setUp({ url: () => `ws://hub/?token=${++attempt}`, clientId: 'a&b' });
    platform.socket.drop();
    platform.advance(1_000);
    expect(platform.sockets.map(({ url }) => url)).toEqual([
      'ws://hub/?token=1&clientId=a%26b',
      'ws://hub/?token=2&clientId=a%26b',
    ]);
  });

  test('it tries again with growing delays, and after a connection that held with the first one', () => {
    const { platform, told } = setUp();
    const delays = (): unknown[] =>
      told
        .filter(([event]) => event === 'disconnected')
        .map(([, what]) => (what as { retryInMs: number }).retryInMs);
    for (let i = 0; i < 4; i++) {
      platform.socket.drop();
      platform.advance(2_000);
    }
    expect(delays()).toEqual([250, 500, 1_000, 2_000]);
    platform.socket.hello();
    platform.advance(5_000);
    platform.socket.drop(1012, 'server.draining');
    expect(delays().at(-1)).toBe(250);
    expect(told.at(-1)).toEqual(['disconnected', { code: 1012, reason: 'server.draining', retryInMs: 250 }]);
  });

  test('an attempt that nobody answers is given up', () => {
    const { platform, told } = setUp({ connectTimeoutMs: 3_000 });
    platform.advance(3_000);
    expect(platform.sockets[0]!.closedByClient).toBe(true);
    expect(told).toMatchObject([['disconnected', { code: 1006 }]]);
    platform.advance(250);
    expect(platform.sockets).toHaveLength(2);
  });

  test('a silent hub is asked for a sign of life, and given up without one', () => {
    const { platform, told } = setUp({ pingIntervalMs: 1_000 });
    const { socket } = platform;
    socket.hello();
    platform.advance(2_000);
    expect(socket.sent).toEqual([{ op: 'ping' }]);
    socket.say({ op: 'pong' });
    platform.advance(2_000);
    expect(socket.sent).toHaveLength(2);
    expect(socket.closedByClient).toBe(false);
    platform.advance(1_000);
    expect(socket.closedByClient).toBe(true);
    expect(told.at(-1)).toMatchObject(['disconnected', { code: 1006 }]);
  });

  test.each([4401, 4403, 4409])('after %i it does not try again', async (code) => {
    const { platform, client, told } = setUp();
    const waiting = outcome(client.publish('a', 'x'));
    platform.socket.drop(code, 'why');
    await turn();
    expect(waiting.code).toBeDefined();
    expect(told).toEqual([['disconnected', { code, reason: 'why', retryInMs: undefined }]]);
    expect(platform.timers).toBe(0);
    await expect(client.publish('a')).rejects.toThrow('why');
  });

  test('after close nothing is left: no timer, no socket', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    await client.close();
    expect([platform.timers, platform.socket.closedByClient]).toEqual([0, true]);
    await expect(client.subscribe('a', () => undefined)).rejects.toMatchObject({ code: 'bus.unavailable' });
  });
});

describe('publishing', () => {
  test('QoS 1 resolves with the position when the hub has stored it', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const one = outcome(client.publish('a', 'x', { retain: true }));
    const frame = platform.socket.last('pub');
    expect(frame).toEqual({ op: 'pub', id: frame.id, topic: 'a', payload: 'x', qos: 1, retain: true });
    await turn();
    expect(one).toEqual({});
    platform.socket.say({ op: 'ok', id: frame.id, pos: 9 });
    await turn();
    expect(one.value).toEqual({ pos: 9 });
  });

  test('what was not acknowledged is sent again on the next connection, in order, and what was, is not', async () => {
    const { platform, client } = setUp();
    const results = ['1', '2', '3'].map((payload) => outcome(client.publish('a', payload)));
    platform.socket.hello();
    const first = platform.socket;
    expect(first.sent.map((frame) => frame['payload'])).toEqual(['1', '2', '3']);
    first.say({ op: 'ok', id: first.sent[1]!.id, pos: 5 });
    first.drop();
    platform.advance(1_000);
    const second = platform.socket;
    second.hello();
    expect(second.sent.map((frame) => frame['payload'])).toEqual(['1', '3']);
    for (const [i, { id }] of second.sent.entries()) second.say({ op: 'ok', id, pos: 6 + i });
    await turn();
    expect(results.map(({ value }) => value)).toEqual([{ pos: 6 }, { pos: 5 }, { pos: 7 }]);
  });

  test('a refusal that will pass is tried again when the hub says, any other rejects', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const one = outcome(client.publish('a', 'x'));
    const { id } = platform.socket.last('pub');
    platform.socket.say({ op: 'err', id, code: 'bus.unavailable', message: 'later', retryAfterMs: 700 });
    platform.advance(699);
    expect(platform.socket.sent).toHaveLength(1);
    platform.advance(1);
    expect(platform.socket.sent).toHaveLength(2);
    platform.socket.say({ op: 'err', id, code: 'auth.denied', message: 'no' });
    await turn();
    expect(one.code).toBe('auth.denied');
  });

  test('a retry that waits is not sent a second time when the connection is another one meanwhile', () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    void outcome(client.publish('a', 'x'));
    const { id } = platform.socket.last('pub');
    platform.socket.say({ op: 'err', id, code: 'server.draining', message: 'later', retryAfterMs: 5_000 });
    platform.socket.drop(1012);
    platform.advance(250);
    platform.socket.hello();
    platform.advance(5_000);
    expect(platform.socket.sent.filter(({ op }) => op === 'pub')).toHaveLength(1);
  });

  test('QoS 0 needs a connection, and is lost with it', async () => {
    const { platform, client } = setUp();
    await expect(client.publish('a', 'x', { qos: 0 })).rejects.toMatchObject({ code: 'bus.unavailable' });
    platform.socket.hello();
    const lost = outcome(client.publish('a', 'x', { qos: 0 }));
    const done = outcome(client.publish('a', 'y', { qos: 0 }));
    platform.socket.say({ op: 'ok', id: platform.socket.last('pub').id });
    platform.socket.drop();
    await turn();
    expect([lost.code, done.value]).toEqual(['bus.unavailable', { pos: undefined }]);
  });

  test('more than maxOpenPublishes, or beyond maxWaitingBytes, are refused at once', async () => {
    const { platform, client } = setUp({ maxOpenPublishes: 1, maxWaitingBytes: 100 });
    void outcome(client.publish('a', 'x'));
    await expect(client.publish('a', 'y')).rejects.toMatchObject({ code: 'bus.overloaded' });
    platform.socket.hello();
    platform.socket.say({ op: 'ok', id: platform.socket.last('pub').id, pos: 1 });
    platform.socket.bufferedAmount = 101;
    await expect(client.publish('a', 'z')).rejects.toMatchObject({ code: 'bus.overloaded' });
  });

  test('a message that is too large for the hub is not sent for ever', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const [small, large] = ['x', 'x'.repeat(1_000)].map((payload) => outcome(client.publish('a', payload)));
    platform.socket.drop(1009);
    platform.advance(250);
    platform.socket.hello();
    expect(platform.socket.sent.map((frame) => frame['payload'])).toEqual(['x']);
    await turn();
    expect([small!.code, large!.code]).toEqual([undefined, 'payload.too-large']);
  });

  test('close waits for what is open, and what it has waited for in vain rejects', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const [one, two] = ['1', '2'].map((payload) => outcome(client.publish('a', payload)));
    const closed = outcome(client.close(2_000));
    platform.socket.say({ op: 'ok', id: platform.socket.sent[0]!.id, pos: 1 });
    platform.advance(1_999);
    await turn();
    expect('value' in closed).toBe(false);
    platform.advance(1);
    await turn();
    expect([one!.value, two!.code, 'value' in closed]).toEqual([{ pos: 1 }, 'bus.unavailable', true]);
  });
});

describe('subscribing', () => {
  function subscribed(more: Partial<ClientOptions> = {}) {
    const set = setUp(more);
    set.platform.socket.hello(100);
    const got: Message[] = [];
    const subscription = outcome(set.client.subscribe('a/#', (message) => void got.push(message)));
    const { socket } = set.platform;
    const say = (pos: number, topic = 'a/b'): void =>
      set.platform.socket.say({ op: 'msg', topic, payload: `${pos}`, qos: 1, retain: false, pos });
    return { ...set, got, subscription, socket, say, positions: () => got.map(({ pos }) => pos) };
  }

  test('it resolves when the hub has granted it', async () => {
    const { socket, subscription } = subscribed();
    const frame = socket.last('sub');
    expect(frame).toEqual({ op: 'sub', id: frame.id, filters: [{ filter: 'a/#', qos: 1 }], retained: true });
    socket.say({ op: 'ok', id: frame.id, granted: [1], pos: 100 });
    await turn();
    expect(subscription.value).toMatchObject({ filter: 'a/#', pos: 100 });
  });

  test('on the next connection it goes on from the last position, and what comes twice is given once', () => {
    const { platform, socket, say, positions } = subscribed();
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    say(101);
    say(105);
    socket.drop();
    platform.advance(250);
    platform.socket.hello(110);
    const frame = platform.socket.last('sub');
    expect(frame).toMatchObject({ from: 105 });
    say(105);
    say(106);
    platform.socket.say({ op: 'ok', id: frame.id, granted: [1], pos: 106 });
    say(107);
    expect(positions()).toEqual([101, 105, 106, 107]);
  });

  test('what was handled is acknowledged once for all of one moment', () => {
    const { platform, socket, say } = subscribed();
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    for (const pos of [101, 102, 103]) say(pos);
    platform.advance(5);
    expect(socket.sent.filter(({ op }) => op === 'ack')).toEqual([{ op: 'ack', pos: 103 }]);
  });

  test('a handler that is not done holds the acknowledgement back', async () => {
    const { platform, client, socket, say } = subscribed();
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    void outcome(client.subscribe('a/slow', () => NEVER));
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    say(101);
    say(102, 'a/slow');
    say(103);
    await turn();
    platform.advance(5);
    expect(socket.sent.filter(({ op }) => op === 'ack')).toEqual([{ op: 'ack', pos: 101 }]);
  });

  test('a handler that throws is told and stops nobody', () => {
    const { client, socket, say, told, positions } = subscribed();
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    void outcome(
      client.subscribe('#', () => {
        throw new Error('mine');
      }),
    );
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    say(101);
    say(102);
    expect(positions()).toEqual([101, 102]);
    expect(told.filter(([event]) => event === 'error')).toEqual([
      ['error', new Error('mine')],
      ['error', new Error('mine')],
    ]);
  });

  test('a filter that is none, or is there already, is refused', async () => {
    const { client } = subscribed();
    await expect(client.subscribe('a/#/b', () => undefined)).rejects.toMatchObject({
      code: 'filter.invalid',
    });
    await expect(client.subscribe('a/#', () => undefined)).rejects.toMatchObject({ code: 'protocol.error' });
  });

  test('a refusal rejects it; one that will pass is asked again', async () => {
    const { platform, socket, subscription } = subscribed();
    const id = socket.last('sub').id;
    socket.say({ op: 'err', id, code: 'bus.timeout', message: 'later', retryAfterMs: 100 });
    platform.advance(100);
    const again = socket.last('sub').id;
    expect(again).not.toBe(id);
    socket.say({ op: 'err', id: again, code: 'quota.exceeded', message: 'too many' });
    await turn();
    expect(subscription.code).toBe('quota.exceeded');
  });

  test('of filters that are refused together on a new connection the bad one alone goes', async () => {
    const { platform, client, socket, told } = subscribed();
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    void outcome(client.subscribe('b', () => undefined));
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    socket.drop();
    platform.advance(250);
    platform.socket.hello(100);
    const refuse = { op: 'err', code: 'auth.denied', message: 'no' };
    const [together] = platform.socket.sent;
    platform.socket.say({ ...refuse, id: together!.id });
    const [, a, b] = platform.socket.sent;
    platform.socket.say({ op: 'ok', id: a!.id, granted: [1], pos: 100 });
    platform.socket.say({ ...refuse, id: b!.id });
    expect(told.at(-1)).toMatchObject(['error', { code: 'auth.denied' }]);
    platform.socket.drop();
    platform.advance(500);
    platform.socket.hello(100);
    expect(platform.socket.last('sub')['filters']).toEqual([{ filter: 'a/#', qos: 1 }]);
  });

  test('after unsubscribe nothing is given any more, on no connection', async () => {
    const { platform, socket, subscription, say, positions } = subscribed();
    socket.say({ op: 'ok', id: socket.last('sub').id, granted: [1], pos: 100 });
    await turn();
    const left = outcome(subscription.value!.unsubscribe());
    say(101);
    const { id, filters } = socket.last('unsub');
    expect(filters).toEqual(['a/#']);
    socket.say({ op: 'ok', id });
    await turn();
    expect('value' in left).toBe(true);
    socket.drop();
    platform.advance(250);
    platform.socket.hello(101);
    expect([positions(), platform.socket.sent]).toEqual([[], []]);
  });

  test('what the hub says of messages that are gone is told', () => {
    const { socket, told } = subscribed();
    socket.say({ op: 'err', code: 'not-found', message: 'positions 1 to 4 are gone' });
    expect(told.at(-1)).toMatchObject(['error', { code: 'not-found' }]);
  });
});

describe('who it is', () => {
  test('is not said by who has nothing to say', () => {
    expect(setUp().platform.socket.subprotocols).toEqual(['trivium.v1']);
  });

  test.each([
    [{ token: 't' }, { op: 'auth', token: 't' }],
    [{ token: async () => 'fresh' }, { op: 'auth', token: 'fresh' }],
    [
      { user: 'u', password: 'p' },
      { op: 'auth', user: 'u', password: 'p' },
    ],
  ])(
    '%j is said in the first frame, which the hub is asked to wait for, and in no address',
    async (how, frame) => {
      const { platform, client } = setUp(how);
      const { socket } = platform;
      expect([socket.url, socket.subprotocols]).toEqual(['ws://hub/', ['trivium.v1', 'trivium.auth']]);
      const published = outcome(client.publish('a', 'x'));
      socket.open();
      await turn();
      expect(socket.sent).toEqual([frame]);
      socket.hello();
      expect(socket.last('pub')).toMatchObject({ topic: 'a' });
      expect(published).toEqual({});
    },
  );

  test('a refused password is told with its code, and not tried again', async () => {
    const { platform, client, told } = setUp({ user: 'u', password: 'p' });
    const waiting = outcome(client.publish('a'));
    platform.socket.open();
    platform.socket.drop(4401, 'auth.failed: wrong user name or password');
    await turn();
    expect(waiting.code).toBe('auth.failed');
    await expect(client.publish('a')).rejects.toThrow(/^wrong user name or password$/);
    expect([told.length, platform.timers]).toEqual([1, 0]);
  });

  test('a function gives a fresh token for each attempt, which come ever more slowly', async () => {
    let made = 0;
    const { platform, told } = setUp({ token: () => `token ${++made}` });
    for (const delay of [250, 500, 1_000]) {
      platform.socket.open();
      await turn();
      expect(platform.socket.sent).toEqual([{ op: 'auth', token: `token ${made}` }]);
      platform.socket.drop(4401, 'auth.failed: expired');
      expect(told.at(-1)).toMatchObject([
        'disconnected',
        { reason: 'auth.failed: expired', retryInMs: delay },
      ]);
      platform.advance(delay);
    }
    expect(platform.sockets).toHaveLength(4);
  });

  test('a connection that ends with its token goes on with the next one; who may not come in stays out', async () => {
    const { platform, told } = setUp({ token: () => 'another' });
    platform.socket.open();
    platform.socket.hello();
    platform.socket.drop(4403, 'auth.denied: you may not do this any more');
    expect(told.at(-1)).toMatchObject(['disconnected', { retryInMs: 250 }]);
    platform.advance(250);
    platform.socket.open();
    platform.socket.drop(4403, 'auth.denied: not under this client id');
    expect(told.at(-1)).toMatchObject(['disconnected', { retryInMs: undefined }]);
    expect(platform.timers).toBe(0);
  });

  test('a hub that asks for patience gets it', async () => {
    const { platform, told } = setUp({ token: 't' });
    platform.socket.open();
    platform.socket.say({ op: 'err', code: 'rate.limited', message: 'slowly', retryAfterMs: 9_000 });
    platform.socket.drop(4429, 'rate.limited: slowly');
    expect(told.at(-1)).toMatchObject(['disconnected', { retryInMs: 9_000 }]);
  });

  test('a token that cannot be had ends the attempt, not the client', async () => {
    const { platform, told } = setUp({ token: () => Promise.reject(new Error('no network')) });
    platform.socket.open();
    await turn();
    expect(told).toMatchObject([
      ['disconnected', { reason: expect.stringContaining('no network'), retryInMs: 250 }],
    ]);
  });
});
