import { expect, test } from 'vitest';
import { selectWorkloads, WORKLOADS } from './workload.ts';

const ids = (only?: string[]) => selectWorkloads(only).map(({ id }) => id);

test('without a choice: both qualities of service in every shape, and nothing that must be asked for', () => {
  const standard = selectWorkloads(undefined);
  const shapes = new Set(standard.map(({ pubs, subs, mode, window }) => `${pubs} ${subs} ${mode} ${window}`));
  for (const shape of shapes) {
    const qualities = standard
      .filter((w) => `${w.pubs} ${w.subs} ${w.mode} ${w.window}` === shape)
      .map(({ qos }) => qos);
    expect(qualities.toSorted()).toEqual([0, 1]);
  }
  expect(shapes.size).toBe(6);
  expect(ids()).not.toContain('W9');
});

test('names choose, in any case, and W7 is W7a and W7b', () => {
  expect(ids(['W9'])).toEqual(['W9']);
  expect(ids(['w7'])).toEqual(['W7a', 'W7b']);
  expect(ids(['W7b', 'w2', 'W7B'])).toEqual(['W7b', 'W2']);
  expect(ids(['W1'])).toEqual(['W1']);
});

test('a name that fits none is an error that lists all', () => {
  expect(() => selectWorkloads(['W99'])).toThrow(/no workload "W99": W1, W2/);
});

test('ids are unique, and a workload can do what its mode needs', () => {
  expect(new Set(ids(WORKLOADS.map(({ id }) => id))).size).toBe(WORKLOADS.length);
  for (const { mode, rate, count, qos, payloadBytes } of WORKLOADS) {
    expect(payloadBytes).toBeGreaterThanOrEqual(16);
    if (mode === 'rate') expect(rate).toBeGreaterThan(0);
    if (mode === 'offline') expect([qos, (count ?? 0) > 0]).toEqual([1, true]);
  }
});
