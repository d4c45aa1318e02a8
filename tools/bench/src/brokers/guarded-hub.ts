import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '@trivium/bus';
import { storePolicy } from '@trivium/identity';
import { prepareNats, type NatsUser } from '@trivium/nats-access';
import { tempDir } from '@trivium/testing';

const silent = (): void => undefined;
const quiet = { debug: silent, info: silent, warn: silent, error: silent };

/** In place of what holds for anonymous clients: a publish is looked up among several patterns, one of them with the client's id. */
const POLICY = {
  v: 1,
  name: 'bench',
  groups: ['anonymous'],
  statements: [
    { effect: 'allow', actions: ['connect'], clients: ['*'] },
    { effect: 'allow', actions: ['publish', 'subscribe', 'receive'], topics: ['+/#', '${clientId}/state'] },
    { effect: 'deny', actions: ['publish'], topics: ['secret/#', '+/+/secret', '+/${clientId}/locked'] },
    { effect: 'deny', actions: ['subscribe', 'receive'], topics: ['secret/#', '+/+/secret'] },
  ],
};

export interface NatsGuard extends AsyncDisposable {
  /** Who may do what, as nats-server reads it. */
  readonly natsConfig: string;
  keyOf(user: NatsUser): string;
}

/** Keys of all services, as `npm start` makes them. */
export async function guardNats(): Promise<NatsGuard> {
  const folder = await tempDir();
  const keyOf = (user: NatsUser): string => join(folder.path, `${user}.nk`);
  const authFile = join(folder.path, 'auth.conf');
  prepareNats({ keyOf, authFile });
  return {
    natsConfig: readFileSync(authFile, 'utf8'),
    keyOf,
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

export async function storeBenchPolicy(natsUrl: string, nkeyFile: string): Promise<void> {
  const bus = await connectBus({ config: { url: natsUrl, name: 'admin', nkeyFile }, logger: quiet });
  await storePolicy(bus, POLICY, { principal: 'bench', service: 'bench' });
  await bus.close();
}
