import { expect, test } from 'vitest';
import { createPrincipalGate } from './principal-gate.ts';
import { createSourceGate } from './source-gate.ts';
import { sourceOf } from './source-of.ts';

test('a principal has so many connections, and another when one has gone', () => {
  const gate = createPrincipalGate({ max: 2 });
  expect([gate.enter('a'), gate.enter('a'), gate.enter('a'), gate.enter('b')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  gate.leave('a');
  expect([gate.enter('a'), gate.enter('a')]).toEqual([true, false]);
});

test('without a limit everybody may', () => {
  const principals = createPrincipalGate({ max: 0 });
  const sources = createSourceGate({ connectionsPerSource: 0, connectsPerSecondPerSource: 0 });
  for (let i = 0; i < 1_000; i++) {
    expect(principals.enter('a')).toBe(true);
    expect(sources.enter('10.0.0.1', 0)).toBeUndefined();
  }
});

test('a source has so many connections, and another when one has gone', () => {
  const gate = createSourceGate({ connectionsPerSource: 2, connectsPerSecondPerSource: 0 });
  const enter = (address: string) => gate.enter(address, 0)?.limit;
  expect([enter('10.0.0.1'), enter('::ffff:10.0.0.1')]).toEqual([undefined, undefined]);
  expect([enter('10.0.0.1'), enter('10.0.0.2')]).toEqual(['connectionsPerSource', undefined]);
  gate.leave('::ffff:10.0.0.1');
  expect([enter('10.0.0.1'), enter('10.0.0.1')]).toEqual([undefined, 'connectionsPerSource']);
});

test('a source makes so many connections a second, five seconds’ worth of them at once', () => {
  const gate = createSourceGate({ connectionsPerSource: 0, connectsPerSecondPerSource: 2 });
  for (let i = 0; i < 10; i++) expect(gate.enter('10.0.0.1', 0)).toBeUndefined();
  expect(gate.enter('10.0.0.1', 0)).toEqual({ limit: 'connectsPerSecondPerSource', retryAfterMs: 500 });
  expect(gate.enter('10.0.0.2', 0)).toBeUndefined();
  for (let i = 0; i < 10; i++) gate.leave('10.0.0.1');
  gate.tick(400);
  expect(gate.enter('10.0.0.1', 400), 'those that are gone count').toBeDefined();
  expect(gate.enter('10.0.0.1', 500)).toBeUndefined();
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['2001:0db8:0000::0009', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::10.0.0.1', '64:ff9b:0:0::/64'],
  ['', ''],
])('%s is of the source %s', (address, source) => {
  expect(sourceOf(address)).toBe(source);
});
