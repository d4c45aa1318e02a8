import type { TestProject } from 'vitest/node';
import { startHub, TWO_DOORS, type HubAddresses } from './hub.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    hub: HubAddresses;
  }
}

/** The hub of all tests that leave it as it is. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const hub = await startHub({ args: TWO_DOORS });
  project.provide('hub', hub.addresses);
  return async () => {
    const exit = hub.process.exit();
    await hub[Symbol.asyncDispose]();
    if (exit !== undefined) throw new Error(`the hub ended during the tests: ${exit.signal ?? exit.code}`);
  };
}
