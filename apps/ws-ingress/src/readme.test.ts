import { readFile } from 'node:fs/promises';
import { startNats, waitFor } from '@trivium/testing';
import { expect, test } from 'vitest';
import { startDoor } from './door-under-test.ts';

test('the example in the README does what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```js\n([^]*?)```/.exec(readme)![1]!;
  await using nats = await startNats();
  await using door = await startDoor(nats.url);
  const lines: string[] = [];
  const log = (...words: unknown[]): void => void lines.push(words.join(' '));
  const run = new Function('console', `${example.replace('ws://127.0.0.1:8083', door.url)}\nreturn ws;`);
  const ws = run({ log }) as WebSocket;
  await waitFor(() => lines.length > 0);
  expect(lines).toEqual(['kitchen/lamp on']);
  ws.close();
});
