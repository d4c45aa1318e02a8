import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RunningProcess {
  readonly name: string;
  readonly address?: string;
}

/** The processes of the hub that `npm start` has on a data directory; none: none is known. */
export function runningProcesses(dataDir: string): readonly RunningProcess[] {
  try {
    const { processes } = JSON.parse(readFileSync(join(dataDir, 'hub.json'), 'utf8')) as {
      processes?: RunningProcess[];
    };
    return Array.isArray(processes) ? processes : [];
  } catch {
    return [];
  }
}
