import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** Removes the folder and everything in it. Idempotent. */
  remove(): Promise<void>;
}

/** A new empty folder under the system's temporary folder. */
export async function tempDir(prefix = 'trivium-'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  // Retries: a process that was just killed may still be writing.
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
