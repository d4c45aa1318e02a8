import { accept, refuse } from '@trivium/contracts';
import { OPEN_IDENTITY, type Access, type Identity, type Principal } from '@trivium/identity';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import mqtt, { type IClientOptions } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDoor, startOtherDoor } from './door.fixture.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

/** Users by name with password `secret`, who may do what is below `<name>/`, and subscribe to everything. */
function siteOf(names: Set<string>): Identity & { changed(): void } {
  let version = 1;
  const access = (principal: Principal): Access => ({
    ...{ principal, unrestricted: false, version: 1, mayAdminister: false },
    may: (_action, topic) => topic.startsWith(`${principal.name}/`),
    subscription: (filter) => (filter.startsWith('secret/') ? 'refused' : 'guarded'),
    renew: () => names.has(principal.name),
  });
  return {
    ...OPEN_IDENTITY,
    get version() {
      return version;
    },
    changed: () => void version++,
    signIn(shown) {
      if (shown.by !== 'password') return refuse('auth.required', 'credentials are needed');
      const { user, password } = shown;
      const isRight = names.has(user) && Buffer.from(password).toString() === 'secret';
      const principal: Principal = { name: user, by: 'password', groups: [], claims: {} };
      const answer = isRight ? accept(principal) : refuse('auth.failed', 'wrong user name or password');
      return new Promise((resolve) => setImmediate(resolve, answer));
    },
    access: (principal) => accept(access(principal)),
  };
}

/** The code of the CONNACK that says no. */
async function refusal(port: number, options: IClientOptions): Promise<number | undefined> {
  const client = mqtt.connect({ host: '127.0.0.1', port, reconnectPeriod: 0, ...options });
  let code: number | undefined;
  client.on('error', (error) => (code = (error as { code?: number }).code));
  await waitFor(() => code !== undefined);
  client.end(true);
  return code;
}

const as = (username: string, clientId: string, password = 'secret') => ({ username, password, clientId });

test('[MQTT3-3.2.2-5] nobody, and who gives a wrong password, is told so and closed', async () => {
  await using fixture = await startDoor(nats.url, { door: { identity: siteOf(new Set(['ann'])) } });
  expect(await refusal(fixture.port, { clientId: 'a' })).toBe(5);
  expect(await refusal(fixture.port, as('ann', 'a', 'wrong'))).toBe(4);
  expect(await refusal(fixture.port, as('eve', 'a'))).toBe(4);
  await waitFor(() => fixture.door.connections === 0);
});

test('[MQTT3-3.3.5-2] what a client may not publish is acknowledged in its turn and goes nowhere; what it may not receive is passed over', async () => {
  await using fixture = await startDoor(nats.url, { door: { identity: siteOf(new Set(['ann', 'bob'])) } });
  await using other = await startOtherDoor(nats.url);
  const everything = await other.collect('#');
  const ann = await fixture.connect(as('ann', 'a'));
  await expect(ann.mqtt.subscribeAsync('secret/#', { qos: 1 })).rejects.toThrow();
  await ann.mqtt.subscribeAsync('#', { qos: 1 });
  await Promise.all([
    ann.mqtt.publishAsync('ann/1', 'x', { qos: 1 }),
    ann.mqtt.publishAsync('bob/1', 'x', { qos: 1 }),
    ann.mqtt.publishAsync('bob/0', 'x'),
    ann.mqtt.publishAsync('ann/2', 'x', { qos: 1 }),
  ]);
  const bob = await fixture.connect(as('bob', 'b'));
  await bob.mqtt.publishAsync('bob/2', 'x', { qos: 1 });
  await bob.mqtt.publishAsync('bob/3', 'x');
  await ann.mqtt.publishAsync('ann/3', 'x', { qos: 1 });
  await waitFor(() => ann.seen.length === 3 && everything.length === 5);
  expect(ann.seen).toEqual(['ann/1 x q1', 'ann/2 x q1', 'ann/3 x q1']);
  expect(everything.toSorted()).toEqual([
    'ann/1 x q1',
    'ann/2 x q1',
    'ann/3 x q1',
    'bob/2 x q1',
    'bob/3 x q0',
  ]);
  // Core and the log bring messages in no order: that all have come elsewhere does not say that they have come here.
  await waitFor(() => fixture.door.stats.deniedOut === 2);
  expect(fixture.door.stats).toMatchObject({ deniedIn: 2, caughtFaults: 0 });
});

test("a client id is its principal's; whose credentials go is thrown out, others stay", async () => {
  const names = new Set(['ann', 'bob']);
  const identity = siteOf(names);
  await using fixture = await startDoor(nats.url, { door: { identity } });
  const ann = await fixture.connect(as('ann', 'mine'));
  const bob = await fixture.connect(as('bob', 'b'));
  expect(await refusal(fixture.port, as('bob', 'mine'))).toBe(5);
  expect(ann.mqtt.connected).toBe(true);
  names.delete('ann');
  identity.changed();
  await waitFor(() => !ann.mqtt.connected);
  expect(bob.mqtt.connected).toBe(true);
  expect(fixture.door.stats.closed['auth.denied']).toBeGreaterThan(0);
});
