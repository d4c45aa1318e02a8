import { startNats, startProcess, freePort, waitFor } from '@trivium/testing';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startDoor } from './door-under-test.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';

describe('the key of a request', () => {
  test.each([
    [{}, undefined],
    [{ 'idempotency-key': 'k' }, 'k'],
    [{ 'idempotency-key': '"8e03978e-40d5"' }, '8e03978e-40d5'],
    [{ 'amz-sdk-invocation-id': 'a' }, 'a'],
    [{ 'idempotency-key': 'k', 'amz-sdk-invocation-id': 'a' }, 'k'],
  ])('%j: %s', (headers, key) => {
    expect(idempotencyKeyOf(headers)).toEqual({ ok: true, value: key });
  });

  test.each(['', '""', 'two words', 'ü', 'x'.repeat(256)])('%.20j is refused', (key) => {
    expect(idempotencyKeyOf({ 'idempotency-key': key })).toMatchObject({
      error: { code: 'protocol.malformed' },
    });
  });
});

const publish = (
  url: string,
  payload: string,
  headers: Record<string, string>,
  query = 'qos=1',
): Promise<Response> => fetch(`${url}/topics/once/a?${query}`, { method: 'POST', body: payload, headers });

const posOf = (response: Response): [number, string | null] => [
  response.status,
  response.headers.get('x-trivium-pos'),
];

describe('a publish that is tried again', () => {
  test('is stored once, whichever door it comes to and whoever else uses the key', async () => {
    await using nats = await startNats();
    await using one = await startDoor(nats.url);
    await using other = await startDoor(nats.url);
    for (const header of ['idempotency-key', 'amz-sdk-invocation-id']) {
      const first = await publish(one.url, 'x', { [header]: header });
      const again = await publish(other.url, 'x', { [header]: header });
      expect(posOf(again)).toEqual(posOf(first));
      expect(posOf(first)[0]).toBe(200);
    }
    const last = await one.bus.lastPos('MESSAGES');
    expect(last).toBe(2);
    const theirs = await publish(one.url, 'x', { 'idempotency-key': 'idempotency-key', 'x-client-id': 'c' });
    expect(posOf(theirs)).toEqual([200, '3']);
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        publish((i % 2 === 0 ? one : other).url, 'y', { 'idempotency-key': 'at-once' }),
      ),
    );
    expect(new Set(many.map((response) => posOf(response)[1]))).toEqual(new Set(['4']));
    expect(await one.bus.lastPos('MESSAGES')).toBe(4);
  });

  test('with another message under the same key is refused with 422, and not stored', async () => {
    await using nats = await startNats();
    await using door = await startDoor(nats.url);
    const headers = { 'idempotency-key': 'k' };
    await publish(door.url, 'one', headers);
    const other = await publish(door.url, 'two', headers);
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ status: 422, code: 'idempotency.mismatch' });
    expect(await door.bus.lastPos('MESSAGES')).toBe(1);
    expect((await publish(door.url, 'one', { 'idempotency-key': 'ü'.repeat(2) })).status).toBe(400);
  });

  test('after kill -9 of the door and of NATS is stored once', async () => {
    const port = await freePort();
    await using nats = await startNats();
    const start = () =>
      startProcess({
        command: process.execPath,
        args: [fileURLToPath(new URL('main.ts', import.meta.url))],
        env: { TRIVIUM_NATS_URL: nats.url, TRIVIUM_ADMIN_PORT: '0', TRIVIUM_HTTP_PORT: String(port) },
        ready: /http-ingress is ready/,
      });
    const url = `http://127.0.0.1:${port}`;
    const headers = { 'idempotency-key': 'k' };
    let first: Response;
    {
      await using door = await start();
      first = await publish(url, 'x', headers, 'retain=true');
      await door.kill('SIGKILL');
      await nats.kill();
      await nats.restart();
    }
    await using _door = await start();
    const again = await waitFor(async () => {
      const response = await publish(url, 'x', headers, 'retain=true');
      return response.status === 200 && response;
    });
    expect([posOf(first), posOf(again)]).toEqual([
      [200, '1'],
      [200, '1'],
    ]);
    expect(posOf(await publish(url, 'next', {}))).toEqual([200, '2']);
  });
});
