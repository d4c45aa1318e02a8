import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot, tempDir } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHub, type HubUnderTest } from './hub.fixture.ts';

let hub: HubUnderTest;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub[Symbol.asyncDispose]());

test('the first device, policy and key of the README of the hub are as it says', async () => {
  await using dir = await tempDir();
  const readme = readFileSync(join(repoRoot(), 'README.md'), 'utf8');
  const section = /\n## Who may do what\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? '';
  const policy = /```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
  const file = join(dir.path, 'pumps.yaml');
  writeFileSync(file, policy);
  const commands = [...section.matchAll(/^npx trivium (.*?)(?: +#.*)?$/gm)].map(([, words]) => words!);
  const offline = commands.filter((words) => words !== 'doctor');
  expect([commands.length, offline.length]).toEqual([5, 4]);
  for (const words of offline) await hub.done(words.replace('pumps.yaml', file));
  const elsewhere = 'policies test --principal pump-7 --action publish --topic plant/paris/pump-7/speed';
  expect((await hub.trivium(elsewhere.split(' '))).code).toBe(1);
});
