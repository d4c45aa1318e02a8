import { constants } from 'node:os';

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** For a person: `exit code 1`, or the signal, also where a shell in between has turned it into 128 + its number. */
export function exitReason({ code, signal }: Exit): string {
  if (signal !== null) return signal;
  const name = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  return name ?? `exit code ${code}`;
}
