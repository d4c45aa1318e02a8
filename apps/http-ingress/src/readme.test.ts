import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { startNats } from '@trivium/testing';
import { expect, test } from 'vitest';
import { openStream, startDoor } from './door-under-test.ts';

test('the commands in the README do what they say', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  await using nats = await startNats();
  await using door = await startDoor(nats.url);
  const local = (text: string): string => text.replace('http://127.0.0.1:8080', door.url);
  const [subscribe, publish, list] = /```sh\n([^]*?)\n```/.exec(readme)![1]!.split('\n').map(local);
  await using stream = await openStream(/'([^']+)'/.exec(subscribe!)![1]!);
  const run = async (command: string): Promise<unknown> =>
    JSON.parse((await promisify(execFile)('sh', ['-c', command.replace('curl', 'curl -sS')])).stdout);
  expect(await run(publish!)).toMatchObject({ message: 'OK' });
  const { data } = await stream.seen({ payload: 'on' });
  expect(data).toMatchObject({ topic: 'kitchen/lamp', qos: 1 });
  expect(data).not.toHaveProperty('contentType');
  expect(await run(list!)).toEqual({ devices: [] });
});
