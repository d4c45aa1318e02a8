import { permissionsOf } from './permissions.ts';
import type { NatsUser } from './needs.ts';

/** The `authorization` block of NATS for these users, each known by its public key. What nobody allows is refused. */
export function authConf(publicKeys: Readonly<Partial<Record<NatsUser, string>>>): string {
  const users = (Object.entries(publicKeys) as [NatsUser, string][]).map(([user, nkey]) => {
    const { publish, subscribe } = permissionsOf(user);
    return [
      `    # ${user}`,
      `    { nkey: ${nkey}, permissions: {`,
      `      publish: { allow: ${list(publish)} }`,
      `      subscribe: { allow: ${list(subscribe)} }`,
      '    } }',
    ].join('\n');
  });
  return [HEAD, 'authorization {', '  users = [', ...users, '  ]', '}', ''].join('\n');
}

const HEAD =
  '# Who may do what at NATS. Written anew at each start from the keys and the table of the hub: changes here are lost.';

const list = (subjects: readonly string[]): string =>
  `[\n${subjects.map((subject) => `        "${subject}"`).join('\n')}\n      ]`;
