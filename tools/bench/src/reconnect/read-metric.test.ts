import { expect, test } from 'vitest';
import { readMetric } from './read-metric.ts';

const TEXT = `# HELP lag Positions
# TYPE lag gauge
lag_total 7
lag{otel_scope_name="a b",other="}"} 12 1764000000
plain 0.5
`;

test.each([
  ['lag', 12],
  ['lag_total', 7],
  ['plain', 0.5],
  ['la', undefined],
  ['none', undefined],
])('%s is %s', (name, value) => expect(readMetric(TEXT, name)).toBe(value));
