import { expect, test } from 'vitest';
import { testNames } from './test-names.ts';

const names = (source: string): string[] => testNames('some.test.ts', source);

test('groups and tests are joined, in every form that vitest has', () => {
  expect(
    names(`
      test('alone', () => {});
      describe('group', () => {
        it('inside', () => {});
        describe.each([1, 2])('of %i', () => test.runIf(x)(\`a \${b} c\`, () => {}));
      });
      const helper = () => describe('made', () => { it.each(rows)('each %s', () => {}); });
      expect('not a test').toBe(test2('neither'));
    `),
  ).toEqual(['alone', 'group › inside', 'group › of %i › a … c', 'made › each %s']);
});

test('a test that does not run names nothing', () => {
  const source = `
    test.skip('[MQTT-1] a', f); it.todo('[MQTT-1] b'); describe.skip('c', () => { test('d', f); });
    test.skipIf(x)('runs elsewhere', f);`;
  expect(names(source)).toEqual(['runs elsewhere']);
});

test('rows of a table that name clauses are names of their own', () => {
  expect(
    names(`
      const ROWS = [['[MQTT-1.2.3-4] a', 5], ['b', 6]] as const;
      test.each(ROWS)('is %s at %i', () => {});
      it.each(['[MQTT-1.2.3-5] c', 'd'])('also %s', () => {});
      it.each([['e', 1]])('only %s', () => {});
    `),
  ).toEqual(['is [MQTT-1.2.3-4] a at 5', 'is b at 6', 'also [MQTT-1.2.3-5] c', 'also d', 'only %s']);
});
