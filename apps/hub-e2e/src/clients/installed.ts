import { outsideClient, type OutsideClientName } from '@trivium/testing';

/** Looks for a client of the system when it is first needed; rejects when there is none. */
export function installed(name: OutsideClientName): () => Promise<string> {
  let command: Promise<string> | undefined;
  const find = async (): Promise<string> => {
    const found = await outsideClient(name);
    if (found === undefined) throw new Error(`${name} is not installed`);
    return found.command;
  };
  return () => (command ??= find());
}
