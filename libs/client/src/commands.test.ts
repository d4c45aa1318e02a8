import type { TriviumError } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { createClient, type ClientOptions } from './client.ts';
import type { Command, Reply } from './codec.ts';
import { fakePlatform, turn } from './hub.fixture.ts';

function setUp(more: Partial<ClientOptions> = {}) {
  const platform = fakePlatform();
  const { clock, openSocket } = platform;
  const client = createClient({ url: 'ws://hub/', clock, openSocket, random: () => 1, ...more });
  const errors: unknown[] = [];
  client.on('error', (error) => void errors.push(error));
  return { platform, client, errors };
}

/** What became of a call, once it has. */
function outcome(promise: Promise<Reply>): { reply?: Reply; code?: string } {
  const seen: { reply?: Reply; code?: string } = {};
  promise.then(
    (reply) => (seen.reply = reply),
    (error: TriviumError) => (seen.code = error.code),
  );
  return seen;
}

describe('calling a device', () => {
  test('a command is sent with its time, and resolves to the reply of its id', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const { socket } = platform;
    const one = outcome(client.command('pump', 'set', { on: true }));
    const two = outcome(
      client.command('pump', 'raw', new Uint8Array([255]), { timeoutMs: 9, contentType: 'a/b' }),
    );
    const [first, second] = socket.sent;
    const common = { op: 'cmd', device: 'pump' };
    const contentType = 'application/json';
    expect(socket.sent).toEqual([
      { ...common, id: first!.id, name: 'set', payload: { on: true }, contentType, timeoutMs: 5_000 },
      { ...common, id: second!.id, name: 'raw', payloadBase64: '/w==', contentType: 'a/b', timeoutMs: 9 },
    ]);
    socket.say({ op: 'reply', id: second!.id, payloadBase64: 'AA==' });
    socket.say({ op: 'reply', id: first!.id, payload: 'done', contentType: 'c/d' });
    await turn();
    expect([one.reply, two.reply]).toEqual([
      { payload: 'done', contentType: 'c/d' },
      { payload: new Uint8Array([0]) },
    ]);
    expect(platform.timers).toBe(1);
  });

  test('a refusal rejects with its code, and is not repeated', async () => {
    const { platform, client, errors } = setUp();
    platform.socket.hello();
    const one = outcome(client.command('pump', 'set'));
    const { id } = platform.socket.last('cmd');
    platform.socket.say({ op: 'err', id, code: 'device.offline', message: 'no', retryAfterMs: 1 });
    platform.advance(10_000);
    await turn();
    expect([one.code, platform.socket.sent.filter(({ op }) => op === 'cmd').length]).toEqual([
      'device.offline',
      1,
    ]);
    expect(errors).toEqual([]);
  });

  test('the end of the connection rejects what was sent, and the next one does not repeat it', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const one = outcome(client.command('pump', 'set'));
    platform.socket.drop();
    await turn();
    expect(one.code).toBe('device.no-answer');
    platform.advance(250);
    platform.socket.hello();
    expect(platform.socket.sent).toEqual([]);
  });

  test('without a connection it waits for one, within its time', async () => {
    const { platform, client } = setUp();
    const late = outcome(client.command('pump', 'set', 1, { timeoutMs: 100 }));
    const sent = outcome(client.command('pump', 'set', 2, { timeoutMs: 1_000 }));
    platform.advance(100);
    await turn();
    expect([late.code, sent]).toEqual(['bus.unavailable', {}]);
    platform.socket.hello();
    expect(platform.socket.sent).toMatchObject([{ op: 'cmd', payload: 2, timeoutMs: 900 }]);
    platform.socket.say({ op: 'reply', id: platform.socket.last('cmd').id, payload: 'x' });
    await turn();
    expect(sent.reply).toEqual({ payload: 'x' });
  });

  test('a hub that says nothing is not waited for without end', async () => {
    const { platform, client } = setUp({ pingIntervalMs: 60_000 });
    platform.socket.hello();
    const one = outcome(client.command('pump', 'set', 1, { timeoutMs: 1_000 }));
    platform.advance(3_000);
    await turn();
    expect(one.code).toBe('device.no-answer');
  });

  test('more than maxOpenCommands are refused at once, and what is no JSON rejects and takes no place', async () => {
    const { client } = setUp({ maxOpenCommands: 1 });
    await expect(client.command('pump', 'set', 1n)).rejects.toThrow(TypeError);
    void outcome(client.command('pump', 'set'));
    await expect(client.command('pump', 'set')).rejects.toMatchObject({ code: 'bus.overloaded' });
  });

  test('close rejects what is open', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const one = outcome(client.command('pump', 'set'));
    await client.close();
    expect([one.code, platform.timers]).toEqual(['bus.unavailable', 0]);
    await expect(client.command('pump', 'set')).rejects.toMatchObject({ code: 'bus.unavailable' });
  });

  test('a command that was too large costs no message that waits for the hub', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const call = outcome(client.command('pump', 'set', 'x'.repeat(1_000)));
    client.publish('a', 'mine').catch(() => undefined);
    platform.socket.drop(1009);
    platform.advance(250);
    platform.socket.hello();
    await turn();
    expect(call.code).toBe('device.no-answer');
    expect(platform.socket.sent).toMatchObject([{ op: 'pub', payload: 'mine' }]);
  });
});

describe('as a device', () => {
  const came = {
    op: 'cmd',
    id: 'hub-1',
    name: 'set',
    payload: { on: true },
    contentType: 'application/json',
  };

  test('what the handler returns is the reply, at once or later', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    const got: Command[] = [];
    const gate = Promise.withResolvers<string>();
    client.onCommand('set', (command) => {
      got.push(command);
      return { ok: true };
    });
    client.onCommand('slow', () => gate.promise, { contentType: 'text/x' });
    client.onCommand('bytes', () => new Uint8Array([255]));
    client.onCommand('nothing', () => undefined);
    platform.socket.say(came);
    for (const name of ['slow', 'bytes', 'nothing'])
      platform.socket.say({ op: 'cmd', id: name, name, payload: '' });
    await turn();
    gate.resolve('done');
    await turn();
    const { op: _, ...command } = came;
    expect(got).toEqual([command]);
    expect(platform.socket.sent).toEqual([
      { op: 'reply', id: 'hub-1', payload: { ok: true }, contentType: 'application/json' },
      { op: 'reply', id: 'bytes', payloadBase64: '/w==' },
      { op: 'reply', id: 'nothing' },
      { op: 'reply', id: 'slow', payload: 'done', contentType: 'text/x' },
    ]);
  });

  test('a command without a handler is not answered; * takes what no other does, until it is taken away', async () => {
    const { platform, client } = setUp();
    platform.socket.hello();
    platform.socket.say(came);
    const stop = client.onCommand('*', ({ name }) => `any ${name}`);
    client.onCommand('set', () => 'own');
    for (const name of ['set', 'else']) platform.socket.say({ ...came, name });
    stop();
    platform.socket.say({ ...came, name: 'else' });
    await turn();
    expect(platform.socket.sent.map(({ payload }) => payload)).toEqual(['own', 'any else']);
    expect(() => client.onCommand('set', () => 'twice')).toThrow('a handler already');
  });

  test('a handler that throws, or returns what cannot be sent, gives no reply, and is told', async () => {
    const { platform, client, errors } = setUp();
    platform.socket.hello();
    const mine = new Error('mine');
    client.onCommand('throws', () => {
      throw mine;
    });
    client.onCommand('rejects', () => Promise.reject(mine));
    client.onCommand('bigint', () => 1n);
    for (const name of ['throws', 'rejects', 'bigint']) platform.socket.say({ ...came, name });
    await turn();
    expect(errors).toEqual([mine, mine, expect.any(TypeError)]);
    expect(platform.socket.sent).toEqual([]);
  });

  test('a reply that is ready without a connection goes out on the next one, once', async () => {
    const { platform, client, errors } = setUp();
    platform.socket.hello();
    const gates = [1, 2].map(() => Promise.withResolvers<unknown>());
    client.onCommand('set', ({ id }) => gates[Number(id)]!.promise);
    for (const id of ['0', '1']) platform.socket.say({ ...came, id });
    platform.socket.drop();
    gates[0]!.resolve('first');
    gates[1]!.resolve(1n);
    await turn();
    expect(errors).toEqual([expect.any(TypeError)]);
    platform.advance(250);
    platform.socket.hello();
    expect(platform.socket.sent).toEqual([{ op: 'reply', id: '0', payload: 'first' }]);
    platform.socket.drop();
    platform.advance(500);
    platform.socket.hello();
    expect(platform.socket.sent).toEqual([]);
  });

  test('replies that nobody waits for any more, and too many of them, are not kept', async () => {
    const { platform, client, errors } = setUp({ connectTimeoutMs: 1_000_000 });
    platform.socket.hello();
    client.onCommand('set', () => Promise.resolve('x'));
    for (let id = 0; id < 101; id++) platform.socket.say({ ...came, id: `${id}` });
    platform.socket.drop();
    await turn();
    expect(errors).toMatchObject([{ code: 'bus.overloaded' }]);
    platform.advance(300_000);
    platform.socket.hello();
    expect(platform.socket.sent).toEqual([]);
  });

  test('what the hub says of a reply that it refuses is told', () => {
    const { platform, errors } = setUp();
    platform.socket.hello();
    platform.socket.say({ op: 'err', id: 'hub-1', code: 'payload.invalid', message: 'no' });
    expect(errors).toMatchObject([{ code: 'payload.invalid' }]);
  });
});
