import { connectBus, type Bus } from '@trivium/bus';
import { AuditRecord, decodeJson, policyKey, type PolicyRecord } from '@trivium/contracts';
import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { removePolicy, storedPolicies, storePolicy } from '../index.ts';

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'policies' }, logger });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});
beforeEach(async () => {
  for (const { key } of await bus.bucket('policies').entries()) await bus.bucket('policies').delete(key);
});

const author = { principal: 'alice', service: 'test', address: '127.0.0.1' };
const policy = (name: string, topic = 'a/#'): PolicyRecord => ({
  ...{ v: 1, name, groups: ['g'], statements: [{ effect: 'allow', actions: ['publish'], topics: [topic] }] },
});

async function lastAudit(): Promise<AuditRecord | undefined> {
  const pos = await bus.lastPos('AUDIT');
  const message = pos === 0 ? undefined : await bus.read('AUDIT', pos);
  const record = message === undefined ? undefined : decodeJson(AuditRecord, message.data);
  return record?.ok ? record.value : undefined;
}

test('policies are stored, changed and removed, and the audit says by whom', async () => {
  expect(await storePolicy(bus, policy('b'), author, () => 5)).toBe('new');
  expect(await lastAudit()).toEqual({
    ...{ v: 1, kind: 'policy-stored', object: 'b', at: 5, ...author },
  });
  expect(await storePolicy(bus, policy('a'), author)).toBe('new');
  expect(await storePolicy(bus, policy('b', 'b/#'), author)).toBe('changed');
  expect(await storedPolicies(bus)).toEqual([policy('a'), policy('b', 'b/#')]);
  expect(await removePolicy(bus, 'b', author)).toBe(true);
  expect(await lastAudit()).toMatchObject({ kind: 'policy-removed', object: 'b', principal: 'alice' });
  expect(await removePolicy(bus, 'b', author)).toBe(false);
  expect(await storedPolicies(bus)).toEqual([policy('a')]);
});

test('what is none is not stored, and told with its faults', async () => {
  await expect(storePolicy(bus, policy('c', 'a/#/b'), author)).rejects.toMatchObject({
    ...{ code: 'payload.invalid', message: expect.stringContaining('/statements/0/topics/0') },
  });
  expect(await storedPolicies(bus)).toEqual([]);
});

test('many may write at once: the last one counts, and each is told what it did', async () => {
  const topics = Array.from({ length: 8 }, (_, i) => `t${i}`);
  const done = await Promise.all(topics.map((topic) => storePolicy(bus, policy('d', topic), author)));
  expect(done.filter((how) => how === 'new')).toHaveLength(1);
  expect(done.filter((how) => how === 'changed')).toHaveLength(7);
  expect(await storedPolicies(bus)).toHaveLength(1);
});

test('one that somebody else wrote, and that is none, is not among them', async () => {
  await storePolicy(bus, policy('e'), author);
  const bytes = (record: object): Buffer => Buffer.from(JSON.stringify(record));
  await bus.bucket('policies').put(policyKey('f'), bytes(policy('f', '${nobody}')));
  await bus.bucket('policies').put(policyKey('g'), bytes(policy('other')));
  expect(await storedPolicies(bus)).toEqual([policy('e')]);
});
