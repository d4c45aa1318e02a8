import { expect, test } from 'vitest';
import snapshot from './wire-contract.snapshot.json' with { type: 'json' };
import { wireContract } from './wire-contract.ts';

const HOW_TO_VERSION = `The wire contract is not what src/wire-contract.snapshot.json says. A released version never changes:
- an addition that old readers do not notice (a subject, header or optional member): run "npm run snapshot -w @trivium/contracts" and commit the snapshot with it;
- anything else: leave version 1 as it is and add the new form beside it (subjects under tv2., schemas with v: 2), read both for one release, write the old one until every process reads the new.`;

const frozen = snapshot as Record<string, unknown>;
const actual = JSON.parse(JSON.stringify(wireContract())) as Record<string, unknown>;

test.each(Object.keys(frozen))('%s are as released', (section) =>
  expect(actual[section], HOW_TO_VERSION).toEqual(frozen[section]),
);

test('the snapshot holds every section', () =>
  expect(Object.keys(actual), HOW_TO_VERSION).toEqual(Object.keys(frozen)));
