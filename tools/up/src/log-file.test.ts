import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@trivium/testing';
import { describe, expect, it } from 'vitest';
import { followLog, rotate } from './log-file.ts';

describe('log file', () => {
  it('gives whole lines only, whatever the pieces', async () => {
    await using directory = await tempDir();
    const file = join(directory.path, 'a.log');
    writeFileSync(file, 'before\n');
    using log = followLog(file);
    const bytes = Buffer.from('größe\nsecond\nthird');
    const seen: string[] = [];
    for (const byte of bytes) {
      appendFileSync(file, Buffer.of(byte));
      seen.push(...log.read());
    }
    appendFileSync(file, '\n\n');
    expect([...seen, ...log.read()]).toEqual(['größe', 'second', 'third', '']);
    expect(log.read()).toEqual([]);
  });

  it('keeps the three logs before', async () => {
    await using directory = await tempDir();
    const file = join(directory.path, 'logs/a.log');
    for (const content of ['1', '2', '3', '4', '5']) {
      rotate(file);
      writeFileSync(file, content);
    }
    expect(['', '.1', '.2', '.3'].map((end) => readFileSync(file + end, 'utf8'))).toEqual([
      '5',
      '4',
      '3',
      '2',
    ]);
    expect(existsSync(`${file}.4`)).toBe(false);
  });
});
