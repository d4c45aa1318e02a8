import { describe, expect, test } from 'vitest';
import { outcome, setUp } from './client.fixture.ts';
import { turn } from './hub.fixture.ts';

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
