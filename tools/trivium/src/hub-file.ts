import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The hub that `npm start` runs on a data directory, as it writes it down there. */
export interface HubFile {
  /** Address of NATS. */
  readonly nats?: string;
  readonly processes: readonly RunningProcess[];
}

export interface RunningProcess {
  readonly name: string;
  readonly address?: string;
  /** The same over TLS. */
  readonly tlsAddress?: string;
  /** Answers 200 when the process is ready. */
  readonly ready?: string;
}

/** Undefined: none is known. */
export function readHubFile(dataDir: string): HubFile | undefined {
  try {
    const { nats, processes } = JSON.parse(readFileSync(join(dataDir, 'hub.json'), 'utf8')) as {
      nats?: unknown;
      processes?: unknown;
    };
    return {
      ...(typeof nats === 'string' ? { nats } : {}),
      processes: Array.isArray(processes) ? (processes as RunningProcess[]) : [],
    };
  } catch {
    return undefined;
  }
}
