import { accept, PolicyRecord, refuse, type PolicyStatement, type Result } from '@trivium/contracts';
import { Value } from 'typebox/value';
import { isTopicAction } from './action-bits.ts';
import { BUILT_IN_PREFIX } from './built-in-policies.ts';
import { parseClientPattern } from './client-pattern.ts';
import { parseTopicPattern } from './topic-pattern.ts';

/** What is wrong, and where: a JSON pointer. */
interface Fault {
  readonly path: string;
  readonly message: string;
}

/** The policy in a value from anywhere, or `payload.invalid` with every fault by its path, one in a line. */
export function checkPolicy(raw: unknown): Result<PolicyRecord> {
  const faults = Value.Check(PolicyRecord, raw) ? policyFaults(raw) : schemaFaults(raw);
  if (faults.length === 0) return accept(raw as PolicyRecord);
  return refuse('payload.invalid', faults.map(({ path, message }) => `${path || '/'} ${message}`).join('\n'));
}

function schemaFaults(raw: unknown): Fault[] {
  const faults = new Map<string, Fault>();
  const constants = new Map<string, string[]>();
  for (const error of Value.Errors(PolicyRecord, raw)) {
    const { keyword, instancePath: path } = error;
    let message = error.message;
    // Of these the more particular ones tell.
    if (keyword === 'additionalProperties' || keyword === 'anyOf') continue;
    if (keyword === 'boolean') message = 'is not known';
    if (keyword === 'enum') message = `must be one of ${error.params.allowedValues.join(', ')}`;
    if (keyword === 'const') {
      const allowed = [...(constants.get(path) ?? []), String(error.params.allowedValue)];
      constants.set(path, allowed);
      message = `must be ${allowed.join(' or ')}`;
    }
    if (keyword === 'const' || !faults.has(path)) faults.set(path, { path, message });
  }
  return [...faults.values()];
}

function policyFaults({ name, groups, statements }: PolicyRecord): Fault[] {
  const faults: Fault[] = [];
  if (name.startsWith(BUILT_IN_PREFIX))
    faults.push({ path: '/name', message: `must not begin with ${BUILT_IN_PREFIX}` });
  groups.forEach((group, i) => {
    if (groups.indexOf(group) !== i) faults.push({ path: `/groups/${i}`, message: `names ${group} again` });
  });
  statements.forEach((statement, i) => faults.push(...statementFaults(statement, `/statements/${i}`)));
  return faults;
}

function statementFaults({ actions, topics, clients }: PolicyStatement, path: string): Fault[] {
  const faults: Fault[] = [];
  actions.forEach((action, i) => {
    if (isTopicAction(action) && topics === undefined)
      faults.push({ path: `${path}/actions/${i}`, message: `${action} never applies: there are no topics` });
    if (action === 'connect' && clients === undefined)
      faults.push({ path: `${path}/actions/${i}`, message: 'connect never applies: there are no clients' });
  });
  if (topics !== undefined && !actions.some(isTopicAction))
    faults.push({ path: `${path}/topics`, message: 'never apply: no action is about topics' });
  if (clients !== undefined && !actions.includes('connect'))
    faults.push({ path: `${path}/clients`, message: 'never apply: connect is not among the actions' });
  topics?.forEach((text, i) => {
    const pattern = parseTopicPattern(text);
    if (!pattern.ok) faults.push({ path: `${path}/topics/${i}`, message: pattern.error.message });
  });
  clients?.forEach((text, i) => {
    const pattern = parseClientPattern(text);
    if (!pattern.ok) faults.push({ path: `${path}/clients/${i}`, message: pattern.error.message });
  });
  return faults;
}
