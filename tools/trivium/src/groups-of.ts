import { UsageError } from './command.ts';

const GROUP = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The groups in `a,b`; of an empty text none. Throws a `UsageError` for what is no group. */
export function groupsOf(text: string): string[] {
  const groups = [...new Set(text.split(',').map((group) => group.trim()))].filter((group) => group !== '');
  const wrong = groups.find((group) => !GROUP.test(group));
  if (wrong !== undefined) throw new UsageError(`${wrong} is no group: letters, digits, . _ - are`);
  return groups;
}
