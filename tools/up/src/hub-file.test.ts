import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@trivium/testing';
import { describe, expect, it } from 'vitest';
import { isLauncher, isRunning, readHubFile, removeHubFile, writeHubFile } from './hub-file.ts';

describe('the file of a running hub', () => {
  it('is read back until it is removed', async () => {
    await using directory = await tempDir();
    const file = join(directory.path, 'data/hub.json');
    const content = {
      launcher: { pid: 7 },
      nats: 'nats://127.0.0.1:4222',
      processes: [{ name: 'router', pid: 8, ready: 'http://127.0.0.1:9104/readyz' }],
    };
    writeHubFile(file, content);
    expect(readHubFile(file)).toEqual(content);
    removeHubFile(file);
    removeHubFile(file);
    expect(readHubFile(file)).toBeUndefined();
  });

  it.each(['', '{', 'null', '{"launcher":{"pid":"7"}}'])('says nothing when it holds %j', async (text) => {
    await using directory = await tempDir();
    const file = join(directory.path, 'hub.json');
    writeFileSync(file, text);
    expect(readHubFile(file)).toBeUndefined();
  });

  it('does not take a process that got the number of a launcher for one', () => {
    expect(isRunning(1)).toBe(true);
    expect(isLauncher(1)).toBe(false);
    expect(isRunning(2 ** 22 + 1)).toBe(false);
  });
});
