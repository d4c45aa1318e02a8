import { readFile } from 'node:fs/promises';
import { startNats } from '@trivium/testing';
import { expect, test } from 'vitest';
import { openStream, startDoor } from './door-under-test.ts';

/** What curl would send for a command line of the README. */
function requestOf(command: string): { url: string; init: RequestInit } {
  const words = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
  const option = (name: string): string | undefined =>
    words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
  const [name, value] = option('-H')?.split(': ') ?? [];
  const body = option('--data');
  const headers = new Headers(
    body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' },
  );
  if (name !== undefined && value !== undefined) headers.set(name, value);
  const init: RequestInit = { method: option('-X') ?? 'GET', headers };
  return {
    url: words.find((word) => word.startsWith('http://'))!,
    init: body === undefined ? init : { ...init, body },
  };
}

test('the commands in the README do what they say', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  await using nats = await startNats();
  await using door = await startDoor(nats.url);
  const commands = /```sh\n([^]*?)\n```/.exec(readme)![1]!.replaceAll('http://127.0.0.1:8080', door.url);
  const [subscribe, publish, list] = commands.split('\n').map(requestOf);
  await using stream = await openStream(subscribe!.url);
  const answer = await fetch(publish!.url, publish!.init);
  expect(await answer.json()).toMatchObject({ message: 'OK' });
  const { data } = await stream.seen({ payload: 'on' });
  expect(data).toMatchObject({ topic: 'kitchen/lamp', qos: 1 });
  expect(data).not.toHaveProperty('contentType');
  expect(await (await fetch(list!.url)).json()).toEqual({ devices: [] });
});
