import { describe, expect, test } from 'vitest';
import { outcome, setUp } from './client.fixture.ts';
import { turn } from './hub.fixture.ts';

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
