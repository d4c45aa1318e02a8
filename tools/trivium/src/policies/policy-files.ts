import type { PolicyRecord } from '@trivium/contracts';
import { checkPolicy } from '@trivium/identity';
import { CommandError } from '../command.ts';
import { documentsIn, withVersion } from '../documents-in.ts';

export interface PolicyFiles {
  readonly policies: readonly PolicyRecord[];
  /** Where and what; a line each. */
  readonly faults: readonly string[];
}

/** The policies in files, each name once. Throws a `CommandError` for what cannot be read. */
export function readPolicies(files: readonly string[]): PolicyFiles {
  const policies: PolicyRecord[] = [];
  const faults: string[] = [];
  for (const file of files)
    documentsIn(file).forEach((raw, i) => {
      const said = (raw as { name?: unknown } | null)?.name;
      const where = `${file}: ${typeof said === 'string' ? said : `policy ${i + 1}`}`;
      const checked = checkPolicy(withVersion(raw));
      if (!checked.ok) faults.push(...checked.error.message.split('\n').map((fault) => `${where}: ${fault}`));
      else if (policies.some(({ name }) => name === checked.value.name))
        faults.push(`${where}: the name is there twice`);
      else policies.push(checked.value);
    });
  return { policies, faults };
}

/** The same where all have to be usable. */
export function usablePolicies(files: readonly string[]): readonly PolicyRecord[] {
  const { policies, faults } = readPolicies(files);
  if (faults.length > 0) throw new CommandError(faults.join('\n'));
  return policies;
}
