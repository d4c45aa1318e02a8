import { repoRoot } from '@trivium/testing';
import { expect, test } from 'vitest';
import { measureCommands } from './command.ts';
import { parseCommandsOptions } from './commands-options.ts';

test('options', () => {
  expect(parseCommandsOptions(['--devices', '3', '--goal', '0'])).toMatchObject({
    kind: 'run',
    options: { devices: 3, callers: 64, goal: 0 },
  });
  expect(parseCommandsOptions(['--devices', 'x'])).toMatchObject({ kind: 'invalid' });
  expect(parseCommandsOptions(['-h'])).toEqual({ kind: 'help' });
});

test('every command is answered by the device that was called', async () => {
  const options = { devices: 5, callers: 8, seconds: 1, payloadBytes: 200, goal: 0, json: false };
  const result = await measureCommands(repoRoot(), options, () => undefined);
  expect(result.wrong).toBe(0);
  expect(result.answered).toBeGreaterThan(8);
});
