import { readFileSync } from 'node:fs';
import type { PolicyRecord } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkPolicy, compilePermissions, policiesOf } from '../index.ts';

const README = readFileSync(`${import.meta.dirname}/../../README.md`, 'utf8');

/** The factory of the README. */
function stored(): Map<string, PolicyRecord> {
  const text = /```yaml\n(- name: machines[^]*?)```/.exec(README)?.[1];
  const policies = (parse(text ?? '') as object[]).map((raw) => checkPolicy({ v: 1, ...raw }));
  return new Map(
    policies.map((policy) => {
      if (!policy.ok) throw new Error(policy.error.message);
      return [policy.value.name, policy.value];
    }),
  );
}

const of = (group: string, principal: string, client = principal, site?: string, claims = {}) =>
  compilePermissions({
    ...{ policies: policiesOf([group], stored()), principal, client, claims },
    attributes: site === undefined ? {} : { site },
  });

test('the factory of the README: machines see their own site, and no wages', () => {
  const pump = of('machines', 'pump-7', 'pump-7', 'berlin');
  expect(pump.mayConnect).toBe(true);
  expect(of('machines', 'pump-7', 'pump-8', 'berlin').mayConnect).toBe(false);
  expect(pump.may('publish', 'factory/berlin/pump-7/speed')).toBe(true);
  expect(pump.may('publish', 'factory/berlin/pump-8/speed')).toBe(false);
  expect(pump.may('publish', 'factory/lyon/pump-7/speed')).toBe(false);
  expect(pump.subscription('factory/berlin/#', false)).toBe('guarded');
  expect(pump.subscription('factory/berlin/#', true)).toBe('refused');
  expect(pump.subscription('factory/berlin/pump-8/#', true)).toBe('granted');
  expect(pump.subscription('factory/#', false)).toBe('refused');
  expect(pump.subscription('factory/+/pump-8/#', false)).toBe('refused');
  expect(pump.decide('receive', 'factory/berlin/wages/may')).toEqual({
    ...{ allowed: false, by: { policy: 'machines', statement: 4, effect: 'deny' } },
  });
  expect(pump.may('receive', 'factory/lyon/pump-9/state')).toBe(false);
});

test('the factory of the README: one without a site, or with one that is none, sees nothing', () => {
  for (const site of [undefined, '', '+', '#', 'berlin/#']) {
    const lost = of('machines', 'pump-7', 'pump-7', site);
    for (const topic of ['factory/berlin/pump-7/speed', 'factory//pump-7/speed', 'factory/+/pump-7/speed'])
      expect([lost.may('publish', topic), lost.may('receive', topic)], topic).toEqual([false, false]);
    expect(lost.subscription('factory/berlin/#', false)).toBe('refused');
  }
});

test('the factory of the README: foremen command, dashboards see the states of the site in their token', () => {
  const foreman = of('foremen', 'ann', 'ann', 'berlin');
  expect(foreman.may('command', 'cmd/pump-7/stop')).toBe(true);
  expect(foreman.may('command', 'cmd/pump-7/reset')).toBe(false);
  expect(foreman.subscription('factory/berlin/#', true)).toBe('granted');
  expect(foreman.may('receive', 'factory/lyon/wages/may')).toBe(false);
  const dashboard = of('dashboards', 'app', 'wall', undefined, { site: 'lyon' });
  expect(dashboard.subscription('factory/lyon/+/state', false)).toBe('granted');
  expect(dashboard.subscription('factory/berlin/+/state', false)).toBe('refused');
  expect(dashboard.may('publish', 'factory/lyon/x/state')).toBe(false);
});
