import type { PolicyRecord, PolicyStatement } from '@trivium/contracts';

/** No stored policy's name begins so. */
export const BUILT_IN_PREFIX = 'built-in.';

/** The groups that have a policy although nobody stored one, in place of theirs. */
export const ADMINISTRATORS = 'administrators';
export const OPERATORS = 'operators';
/** Whoever is of no group is of this one. */
export const DEVICES = 'devices';

const EVERYTHING: PolicyStatement[] = [
  {
    effect: 'allow',
    actions: ['publish', 'retain', 'subscribe', 'receive', 'command', 'shadow'],
    topics: ['#', '$+/#'],
  },
  { effect: 'allow', actions: ['connect'], clients: ['*'] },
  { effect: 'allow', actions: ['admin'] },
];

/** The client ids of a device: its name, and what begins with it and a separator. */
const OWN_CLIENTS = ['', '-*', '.*', ':*', '/*', '_*'].map((rest) => `\${principal}${rest}`);

function builtIn(group: string, description: string, statements: PolicyStatement[]): PolicyRecord {
  return { v: 1, name: `${BUILT_IN_PREFIX}${group}`, description, groups: [group], statements };
}

/** What holds for a group for as long as no stored policy names it. */
export const BUILT_IN_POLICIES: readonly PolicyRecord[] = [
  builtIn(ADMINISTRATORS, 'Everything.', EVERYTHING),
  builtIn('anonymous', 'Everything: it only ever applies where anonymous clients are let in.', EVERYTHING),
  builtIn(DEVICES, 'All topics but those of commands, under client ids that begin with the own name.', [
    { effect: 'allow', actions: ['publish', 'retain', 'subscribe', 'receive'], topics: ['#'] },
    { effect: 'deny', actions: ['publish', 'retain', 'subscribe', 'receive'], topics: ['cmd/#'] },
    { effect: 'allow', actions: ['shadow'], topics: ['shadow/${clientId}/#'] },
    { effect: 'allow', actions: ['connect'], clients: OWN_CLIENTS },
  ]),
  builtIn(OPERATORS, 'All topics, and commands to all devices.', [
    {
      effect: 'allow',
      actions: ['publish', 'retain', 'subscribe', 'receive', 'command', 'shadow'],
      topics: ['#'],
    },
    { effect: 'allow', actions: ['connect'], clients: OWN_CLIENTS },
  ]),
];
