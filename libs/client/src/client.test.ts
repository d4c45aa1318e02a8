import { describe, expect, test } from 'vitest';
import { outcome, setUp } from './client.fixture.ts';
import { turn } from './hub.fixture.ts';

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
