import { describe, expect, test } from 'vitest';
import { cover, type NamedTest } from './coverage.ts';
import { page } from './page.ts';
import { readStandard } from './standard.ts';

const five = readStandard('Five', 'MQTT', '# comment\n1.1.0-1: First.\n1.1.0-2: Second. | client\n');
const three = readStandard('Three', 'MQTT3', '1.1.0-1: Other.\n');
const named = (name: string, more: Partial<NamedTest> = {}): NamedTest => ({
  ...{ project: 'libs/x', file: 'src/y.test.ts', name, counts: true },
  ...more,
});
const faults = (...tests: NamedTest[]): string[] => cover([five, three], tests).faults;
/** Enough for both. */
const all = named('g › [MQTT-1.1.0-1] [MQTT3-1.1.0-1] does | it');

describe('faults', () => {
  test('none when every statement has a test or a reason', () => {
    expect(faults(all)).toEqual([]);
  });

  test('a statement with neither; the same number of the other standard is another statement', () => {
    expect(faults(named('[MQTT-1.1.0-1] x'))).toEqual([
      '[MQTT3-1.1.0-1] has neither a test nor a reason: Other.',
    ]);
  });

  test('a statement with both', () => {
    expect(faults(all, named('[MQTT-1.1.0-2] x'))).toEqual([
      '[MQTT-1.1.0-2] has a reason for no test, and a test: [MQTT-1.1.0-2] x',
    ]);
  });

  test('a clause that is none, also in tests that do not count', () => {
    for (const clause of ['MQTT-9.9.9-9', 'MQTT-1.1', 'MQTT4-1.1.0-1', 'MQTT-1-1.0-1'])
      expect(faults(all, named(`[${clause}] x`, { counts: false }))).toEqual([
        `libs/x/src/y.test.ts: no statement is [${clause}]: [${clause}] x`,
      ]);
  });

  test('a test that does not count covers nothing', () => {
    expect(faults(named(all.name, { counts: false }))).toHaveLength(2);
  });
});

test('a list with a line that is no statement, or one twice, is refused', () => {
  expect(() => readStandard('X', 'X', 'something')).toThrow('not a statement: something');
  expect(() => readStandard('X', 'X', '1.1.0-1: A.\n1.1.0-1: B.')).toThrow('1.1.0-1 is there twice');
});

test('the page has a line for each statement: its tests, or why there is none', () => {
  const written = page(cover([five, three], [all]).coverage);
  expect(written).toContain('| Five | 2 | 1 | 1 | 1 |');
  expect(written).toContain('| MQTT-1.1.0-1 | First. | `libs/x` y: g › does \\| it |');
  expect(written).toContain('| MQTT-1.1.0-2 | Second. | _an obligation of the client,');
  expect(written).toContain('| MQTT3-1.1.0-1 | Other. | `libs/x` y: g › does \\| it |');
});
