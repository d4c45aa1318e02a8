import { readFileSync } from 'node:fs';
import { CommandError } from './command.ts';

/** Throws a `CommandError` when it cannot be read. */
export function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}
