import type { Entry } from '@trivium/bus';
import { parseTopic, type Message } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { judge, storeContract, watchContracts } from './index.ts';

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('the example of the README does what it says', async () => {
  const entries = new Map<string, Entry>();
  const bucket = {
    get: (key: string) => Promise.resolve(entries.get(key)),
    put: (key: string, value: Uint8Array) =>
      Promise.resolve(void entries.set(key, { key, value, revision: 1 })),
    delete: (key: string) => Promise.resolve(entries.delete(key)),
    entries: () => Promise.resolve([...entries.values()]),
    watch(
      _filter: string,
      onEntry: (key: string, value: Uint8Array, revision: number) => void,
      onReady?: () => void,
    ) {
      for (const { key, value } of entries.values()) onEntry(key, value, 1);
      onReady?.();
      return { close: () => undefined };
    },
  };
  const bus = { bucket: () => bucket };

  await storeContract(bus.bucket(), {
    v: 1,
    name: 'temperature',
    filter: 'plant/+/temperature',
    schema: { type: 'object', required: ['value'], properties: { value: { type: 'number' } } },
    onViolation: 'reject',
  });
  const contracts = watchContracts({ bus, logger });
  await contracts.ready;
  const topic = parseTopic('plant/line1/temperature');
  if (!topic.ok) throw new Error();
  const message: Message = {
    topic: topic.value,
    payload: Buffer.from('{"value":"hot"}'),
    qos: 1,
    retain: false,
  };
  expect(judge(contracts, message)?.refused?.message).toBe('contract temperature: /value must be number');
});
