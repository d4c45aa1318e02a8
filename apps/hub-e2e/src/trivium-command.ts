import { join } from 'node:path';
import { repoRoot, startProcess } from '@trivium/testing';
import type { TestHub } from './hub.ts';

/** `npx trivium`: resolves to what it printed; rejects, with what it said, when it did not exit with 0. */
export type TriviumCommand = (args: string[], input?: string) => Promise<string>;

/** On this hub. */
export function trivium(hub: TestHub, dataDir: string): TriviumCommand {
  const offset = hub.addresses.nats - 4222;
  return triviumWith({ TRIVIUM_DATA_DIR: dataDir, TRIVIUM_PORT_OFFSET: String(offset) });
}

/** Where these settings say. */
export function triviumWith(env: Readonly<Record<string, string>>): TriviumCommand {
  return async (args, input) => {
    await using process = await startProcess({
      command: 'node',
      args: [join(repoRoot(), 'tools', 'trivium', 'src', 'main.ts'), ...args],
      cwd: repoRoot(),
      env,
    });
    if (input !== undefined) process.write(`${input}\n`);
    process.closeInput();
    const { code } = await process.exited;
    if (code !== 0) throw new Error(`trivium ${args.join(' ')} exited with ${code}:\n${process.output()}`);
    return process.stdout();
  };
}
