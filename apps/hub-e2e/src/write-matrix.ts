import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '@trivium/testing';
import { fateOf, POLICIES } from './contract-fates.ts';
import { PUBLISHING, SUBSCRIBING } from './doors.ts';

/**
 * Writes `docs/delivery-matrix.md` from the lists that `delivery-matrix.test.ts` goes through: every pair of a way in and a way out, with
 * the QoS a message arrives with, and whether retained messages and properties come along.
 */
const head = [
  '# Delivery matrix',
  '',
  'Written by `npm run generate -w @trivium/hub-e2e` from the lists that `apps/hub-e2e/src/delivery-matrix.test.ts` goes through: every cell is a',
  'test of a running hub, with clients that are not ours where there are any. Every message arrives once, in order and byte for byte.',
  '',
  'A cell says with which QoS a message arrives that was published with each QoS of its row and asked for with each of its column (`in→out`;',
  'the lower of both, QoS 2 on `trivium.v1` and HTTP is not offered). **R**: what is retained is there for who subscribes later. **P**: content type, response topic,',
  'correlation data and user properties come along.',
  '',
];

const cell = (from: (typeof PUBLISHING)[number], to: (typeof SUBSCRIBING)[number]): string => {
  const levels = from.qos.map(
    (qos) => `${qos}→${[...new Set(to.qos.map((asked) => Math.min(qos, asked)))].join('')}`,
  );
  const retained = from.retainsNot === undefined && to.retainedNot === undefined ? ' R' : '';
  const properties = from.carriesProperties === true && to.tellsProperties === true ? ' P' : '';
  return `${levels.join(' ')}${retained}${properties}`;
};

const rows = PUBLISHING.map(
  (from) => `| ${[from.name, ...SUBSCRIBING.map((to) => cell(from, to))].join(' | ')} |`,
);
const table = [
  `| from \\ to | ${SUBSCRIBING.map(({ name }) => name).join(' | ')} |`,
  `| --- | ${SUBSCRIBING.map(() => '---').join(' | ')} |`,
  ...rows,
];

const fates = [
  '## Contracts',
  '',
  'What becomes of a message that breaks the contract of its topic, by the contract’s policy and the QoS it is published with',
  '(`apps/hub-e2e/src/contracts.test.ts`; `libs/message-contracts/README.md` says what each means).',
  '',
  `| from | ${POLICIES.join(' | ')} |`,
  `| --- | ${POLICIES.map(() => '---').join(' | ')} |`,
  ...PUBLISHING.map((from) => {
    const cells = POLICIES.map((policy) => {
      const each = from.qos.map((qos) => fateOf(policy, from, qos));
      return new Set(each).size === 1 ? each[0]! : from.qos.map((qos, i) => `${qos}: ${each[i]}`).join(', ');
    });
    return `| ${[from.name, ...cells].join(' | ')} |`;
  }),
];
await writeFile(
  join(repoRoot(), 'docs', 'delivery-matrix.md'),
  [...head, ...table, '', ...fates, ''].join('\n'),
);
