import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { prepareNats, type NatsUser } from '@trivium/nats-access';
import { tempDir } from '@trivium/testing';

/** In place of what holds for anonymous clients: a publish is looked up among several patterns, one of them with the client's id. */
const POLICY = {
  name: 'bench',
  groups: ['anonymous'],
  statements: [
    { effect: 'allow', actions: ['connect'], clients: ['*'] },
    { effect: 'allow', actions: ['publish', 'subscribe', 'receive'], topics: ['+/#', '${clientId}/state'] },
    { effect: 'deny', actions: ['publish'], topics: ['secret/#', '+/+/secret', '+/${clientId}/locked'] },
    { effect: 'deny', actions: ['subscribe', 'receive'], topics: ['secret/#', '+/+/secret'] },
  ],
};

export interface Guard extends AsyncDisposable {
  /** Who may do what, as nats-server reads it. */
  readonly natsConfig: string;
  keyOf(user: NatsUser): string;
  /** Once there is a door: it makes the buckets. */
  storePolicy(root: string, natsUrl: string): Promise<void>;
}

/** Keys of all services, as `npm start` makes them, and a policy, as one is stored by hand. */
export async function createGuard(): Promise<Guard> {
  const folder = await tempDir();
  const keyOf = (user: NatsUser): string => join(folder.path, `${user}.nk`);
  const authFile = join(folder.path, 'auth.conf');
  prepareNats({ keyOf, authFile });
  return {
    natsConfig: readFileSync(authFile, 'utf8'),
    keyOf,
    async storePolicy(root, natsUrl) {
      const file = join(folder.path, 'policy.json');
      writeFileSync(file, JSON.stringify(POLICY));
      const command = [join(root, 'tools/trivium/src/main.ts'), 'policies', 'add', file];
      const env = { ...process.env, TRIVIUM_NATS_URL: natsUrl, TRIVIUM_NATS_NKEY_FILE: keyOf('admin') };
      await promisify(execFile)(process.execPath, command, { cwd: root, env });
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}
