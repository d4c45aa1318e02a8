import { expect, test } from 'vitest';
import { WORKLOADS } from '../workload.ts';
import { planLoad } from './plan.ts';

const at = { host: '127.0.0.1', port: 1 };
const target = { publishAt: at, subscribeAt: { ...at, port: 2 } };

test.each(WORKLOADS.map((workload) => [workload.id, workload] as const))(
  '%s: every client is in one process, together with those that it exchanges messages with',
  (_id, workload) => {
    for (const processes of [1, 2, 3, 7]) {
      const plans = planLoad(workload, target, { prefix: 'p', processes });
      expect(plans.length).toBe(workload.pattern === 'wild' ? 1 : Math.min(processes, workload.pubs));
      const publishers = plans.flatMap((plan) => plan.publishers.map(({ id }) => id));
      const subscribers = plans.flatMap((plan) => plan.subscribers.map(({ id }) => id));
      expect(publishers.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: workload.pubs }, (_, i) => i),
      );
      expect(subscribers.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: workload.subs }, (_, i) => i),
      );
      for (const plan of plans) {
        const here = new Set(plan.publishers.map(({ id }) => id));
        for (const subscriber of plan.subscribers) {
          expect(subscriber.publishers.length).toBeGreaterThan(0);
          expect(subscriber.publishers.every((id) => here.has(id))).toBe(true);
        }
      }
      expect(plans.reduce((sum, { rate }) => sum + rate, 0)).toBeCloseTo(workload.rate ?? 0);
    }
  },
);

test('a count is divided without a rest', () => {
  const workload = { ...WORKLOADS[1], count: 1_003 } as (typeof WORKLOADS)[number];
  const quotas = planLoad(workload, target, { prefix: 'p', processes: 3 })
    .flatMap(({ publishers }) => publishers)
    .map(({ quota }) => quota ?? NaN);
  expect(quotas.reduce((sum, quota) => sum + quota, 0)).toBe(1_003);
  expect(Math.max(...quotas) - Math.min(...quotas)).toBe(1);
});
