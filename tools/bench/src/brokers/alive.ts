import type { StartedProcess } from '@trivium/testing';

const LAST_CHARACTERS = 2_000;

/** The first of the named processes that has ended, with the last of its output. */
export function ended(processes: Readonly<Record<string, StartedProcess>>): string | undefined {
  for (const [name, process] of Object.entries(processes)) {
    const exit = process.exit();
    if (exit !== undefined) {
      return `${name} ended (${exit.signal ?? exit.code}): ${process.output().slice(-LAST_CHARACTERS).trim()}`;
    }
  }
  return undefined;
}
