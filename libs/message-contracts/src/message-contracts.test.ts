import { connectBus, type Bus } from '@trivium/bus';
import { contractKey, type ContractRecord, type Topic } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { watchContracts, type ContractSlot } from './message-contracts.ts';
import { removeContract, storeContract, storedContracts } from './stored-contracts.ts';

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'contracts' }, logger });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const bucket = () => bus.bucket('contracts');
const record = (name: string, filter: string, more: Partial<ContractRecord> = {}): ContractRecord => ({
  ...{ v: 1, name, filter, schema: { type: 'number' }, onViolation: 'reject' },
  ...more,
});
const message = (payload: string, retain = false) => ({
  ...{ payload: Buffer.from(payload), retain, contentType: undefined },
});

beforeEach(async () => {
  for (const { key } of await bucket().entries()) await bucket().delete(key);
});

it('knows the stored ones when it is ready, and each change after that', async () => {
  await storeContract(bucket(), record('all', 'plant/#'));
  const contracts = watchContracts({ bus, logger });
  await contracts.ready;
  const slot: ContractSlot = { topic: 'plant/a' as Topic, contract: undefined, contractsVersion: -1 };
  const current = (): string | undefined => {
    if (slot.contractsVersion !== contracts.version) contracts.renew(slot);
    expect(contracts.of(slot.topic)).toBe(slot.contract);
    return slot.contract?.record.name;
  };
  expect(current()).toBe('all');
  expect(contracts.of('office/a' as Topic)).toBeUndefined();

  await storeContract(bucket(), record('one', 'plant/a', { onViolation: 'tag' }));
  await waitFor(() => current() === 'one');
  expect(contracts.list().map(({ name }) => name)).toEqual(['one', 'all']);
  expect(contracts.check(slot.contract!, message('hot'))).toMatchObject({ contract: 'one', policy: 'tag' });
  expect(contracts.check(slot.contract!, message('21'))).toBeUndefined();

  await storeContract(bucket(), record('one', 'plant/a', { schema: { type: 'string' } }));
  await waitFor(() => contracts.check(contracts.of(slot.topic)!, message('"hot"')) === undefined);

  await removeContract(bucket(), 'one');
  await waitFor(() => current() === 'all');
  await removeContract(bucket(), 'all');
  await waitFor(() => current() === undefined);
  expect(contracts.stats).toMatchObject({ contracts: 0, unusable: 0 });
  expect(contracts.stats.violations.tag).toBeGreaterThan(0);
  contracts.close();
});

it('an empty payload that clears what is retained breaks nothing', async () => {
  await storeContract(bucket(), record('all', 'plant/#'));
  const contracts = watchContracts({ bus, logger });
  await contracts.ready;
  const contract = contracts.of('plant/a' as Topic)!;
  expect(contracts.check(contract, message('', true))).toBeUndefined();
  expect(contracts.check(contract, message(''))?.message).toContain('not JSON');
  contracts.close();
});

it('one that cannot be used is counted, logged and not enforced', async () => {
  await bucket().put(contractKey('bad'), Buffer.from(JSON.stringify(record('bad', 'a/#/b'))));
  await bucket().put(contractKey('alias'), Buffer.from(JSON.stringify(record('other', 'a/b'))));
  await bucket().put(contractKey('text'), Buffer.from('no json'));
  const contracts = watchContracts({ bus, logger });
  await contracts.ready;
  expect(contracts.stats).toMatchObject({ contracts: 0, unusable: 3 });
  expect(contracts.of('a/b' as Topic)).toBeUndefined();
  expect(logger.error).toHaveBeenCalledWith(
    expect.objectContaining({ key: 'bad', reason: expect.stringContaining('#') }),
    expect.any(String),
  );
  contracts.close();
});

it('of two for one filter, stored behind its back, the first by name counts', async () => {
  for (const name of ['b', 'a'])
    await bucket().put(contractKey(name), Buffer.from(JSON.stringify(record(name, 'x/+'))));
  const contracts = watchContracts({ bus, logger });
  await contracts.ready;
  expect(contracts.of('x/1' as Topic)?.record.name).toBe('a');
  contracts.close();
});

it('stores only what doors can use, and no second one for a filter', async () => {
  await storeContract(bucket(), record('one', 'a/+'));
  await storeContract(bucket(), record('one', 'a/+', { owner: 'ops' }));
  await expect(storeContract(bucket(), record('two', 'a/+'))).rejects.toMatchObject({
    code: 'payload.invalid',
  });
  await expect(storeContract(bucket(), record('three', 'a/#/b'))).rejects.toMatchObject({
    code: 'filter.invalid',
  });
  expect(await storedContracts(bucket())).toMatchObject([{ name: 'one', owner: 'ops' }]);
  expect(await removeContract(bucket(), 'none')).toBe(false);
});

it('goes on with what it knows while NATS is away, and learns what changed meanwhile', async () => {
  await storeContract(bucket(), record('all', 'plant/#'));
  const contracts = watchContracts({ bus, logger });
  await contracts.ready;
  await nats.kill();
  await waitFor(() => !bus.up);
  expect(contracts.of('plant/a' as Topic)?.record.name).toBe('all');
  await nats.restart();
  await waitFor(() => bus.up, { timeoutMs: 30_000 });
  await storeContract(bucket(), record('one', 'plant/a'));
  await waitFor(() => contracts.of('plant/a' as Topic)?.record.name === 'one', { timeoutMs: 30_000 });
  contracts.close();
});
