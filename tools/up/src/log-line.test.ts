import { describe, expect, it } from 'vitest';
import { notable } from './log-line.ts';

describe('a line of a log', () => {
  it.each([
    ['{"level":"info","msg":"ready"}'],
    ['{"level":"debug","msg":"detail"}'],
    ['[12] 2026/01/02 03:04:05.678901 [INF] Server is ready'],
    ['[12] 2026/01/02 03:04:05.678901 [INF] '],
    [''],
  ])('is not notable: %s', (line) => expect(notable(line)).toBeUndefined());

  it.each([
    ['{"level":"warn","msg":"slow"}', 'warn', 'slow'],
    ['{"level":"error","msg":"lost","err":{"message":"no route"}}', 'error', 'lost: no route'],
    ['{"level":"fatal","msg":"lost: no route","err":{"message":"no route"}}', 'error', 'lost: no route'],
    ['[12] 2026/01/02 03:04:05.678901 [WRN] Slow consumer', 'warn', 'Slow consumer'],
    ['[12] 2026/01/02 03:04:05.678901 [FTL] no space', 'error', 'no space'],
    ['    at Server.listen (node:net:1:1)', 'error', '    at Server.listen (node:net:1:1)'],
    ['{ "half": ', 'error', '{ "half": '],
    ['"text"', 'error', '"text"'],
  ])('is notable: %s', (line, level, text) => expect(notable(line)).toEqual({ level, text }));
});
