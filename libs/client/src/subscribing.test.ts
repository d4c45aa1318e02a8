import { describe, expect, test } from 'vitest';
import { NEVER, outcome, setUp } from './client.fixture.ts';
import type { ClientOptions } from './client.ts';
import type { Message } from './codec.ts';
import { turn } from './hub.fixture.ts';

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
