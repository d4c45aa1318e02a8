import { parseTopic, type ContractRecord, type Topic } from '@trivium/contracts';
import { compileContract } from '../src/contract.ts';
import { watchContracts, type ContractSlot } from '../src/message-contracts.ts';
import { createSchemaCompiler } from '../src/schema-compiler.ts';

/** What contracts cost a message, in nanoseconds, best of the rounds, as JSON. `node bench/checks.bench.ts [ms per round]` */

const roundMs = Number(process.argv[2] ?? 200);
const ROUNDS = 5;
const BATCH = 1_024;

const topic = (raw: string): Topic => {
  const parsed = parseTopic(raw);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
};
const record = (name: string, filter: string, schema: ContractRecord['schema'] = true): ContractRecord => ({
  ...{ v: 1, name, filter, schema, onViolation: 'reject' as const },
});
const telemetry = {
  type: 'object',
  required: ['value', 'at'],
  properties: {
    value: { type: 'number', minimum: -50, maximum: 500 },
    unit: { enum: ['C', 'F'] },
    at: { type: 'string', format: 'date-time' },
    sensor: { type: 'string', pattern: '^[a-z]+-\\d+$' },
  },
  additionalProperties: false,
};

/** As many contracts as a large site has, from a bucket in memory. */
const records = [
  ...Array.from({ length: 1_000 }, (_, i) => record(`c${i}`, `site/${i}/+/telemetry`, telemetry)),
  record('all', 'plant/+/telemetry', telemetry),
];
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const contracts = watchContracts({
  bus: {
    bucket: () => ({
      watch(_filter, onEntry, onReady) {
        for (const each of records) onEntry(each.name, Buffer.from(JSON.stringify(each)), 1);
        onReady?.();
        return { close: () => undefined };
      },
    }),
  },
  logger: quiet,
});
await contracts.ready;

const free = Array.from({ length: BATCH }, (_, i) => topic(`office/${i}/telemetry`));
const bound = Array.from({ length: BATCH }, (_, i) => topic(`plant/${i}/telemetry`));
const slots = free.map((each): ContractSlot => ({ topic: each, contract: undefined, contractsVersion: -1 }));
for (const slot of slots) contracts.renew(slot);
const contract = contracts.of(bound[0]!)!;
const good = Buffer.from('{"value":21.5,"unit":"C","at":"2026-01-01T00:00:00Z","sensor":"line-7"}');
const large = Buffer.from(
  JSON.stringify({ value: 21.5, at: '2026-01-01T00:00:00Z', sensor: `${'x'.repeat(4_000)}-1` }),
);
const bad = Buffer.from('{"value":"hot"}');
const message = { retain: false, contentType: undefined };
const compiler = createSchemaCompiler();

let sink = 0;

function nanoseconds(op: (i: number) => unknown, batch = BATCH): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    let done = 0;
    let elapsed = 0;
    do {
      for (let i = 0; i < batch; i++) if (op(i) !== undefined) sink++;
      done += batch;
      elapsed = performance.now() - begin;
    } while (elapsed < roundMs);
    best = Math.min(best, (elapsed * 1e6) / done);
  }
  return Math.round(best * 10) / 10;
}

const results = {
  'no contract, in a slot': nanoseconds((i) => {
    const slot = slots[i]!;
    if (slot.contractsVersion !== contracts.version) contracts.renew(slot);
    return slot.contract;
  }),
  'no contract, by topic': nanoseconds((i) => contracts.of(free[i]!)),
  'found in the tree, once per topic and change': nanoseconds((i) => {
    contracts.renew(slots[i]!);
    return undefined;
  }),
  'payload parsed alone, 70 bytes': nanoseconds(() => JSON.parse(good.toString())),
  'payload kept to, 70 bytes': nanoseconds(() => contracts.check(contract, { payload: good, ...message })),
  'payload kept to, 4 KB': nanoseconds(() => contracts.check(contract, { payload: large, ...message }), 64),
  'payload that breaks it': nanoseconds(() => contracts.check(contract, { payload: bad, ...message })),
  'contract compiled': nanoseconds(() => compileContract(record('x', 'x', telemetry), compiler), 4),
};

console.log(JSON.stringify({ unit: 'ns', contracts: records.length, results, sink: sink > 0 }, null, 2));
