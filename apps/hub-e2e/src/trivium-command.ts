import { join } from 'node:path';
import { repoRoot, startProcess } from '@trivium/testing';
import type { TestHub } from './hub.ts';

/** `npx trivium` on this hub: resolves to what it printed; rejects, with what it said, when it did not exit with 0. */
export function trivium(hub: TestHub, dataDir: string): (args: string[], input?: string) => Promise<string> {
  const offset = hub.addresses.nats - 4222;
  return async (args, input) => {
    await using process = await startProcess({
      command: 'node',
      args: [join(repoRoot(), 'tools', 'trivium', 'src', 'main.ts'), ...args],
      cwd: repoRoot(),
      env: { TRIVIUM_DATA_DIR: dataDir, TRIVIUM_PORT_OFFSET: String(offset) },
    });
    if (input !== undefined) process.write(`${input}\n`);
    process.closeInput();
    const { code } = await process.exited;
    if (code !== 0) throw new Error(`trivium ${args.join(' ')} exited with ${code}:\n${process.output()}`);
    return process.stdout();
  };
}
