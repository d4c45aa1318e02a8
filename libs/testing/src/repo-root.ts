import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds `nx.json`, looking upwards from `from` (default: this file). */
export function repoRoot(from: string = import.meta.dirname): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'nx.json'))) return dir;
    if (dirname(dir) === dir) throw new Error(`no nx.json above ${from}`);
  }
}
