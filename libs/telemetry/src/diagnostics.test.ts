import { expect, it } from 'vitest';
import { createDiagnostics } from './diagnostics.ts';

it('repeats the same complaint at most once a minute, however long the collector is away', () => {
  const warned: unknown[] = [];
  let at = 0;
  const diagnostics = createDiagnostics(
    { warn: (...args: unknown[]) => void warned.push(args) } as never,
    () => at,
  );
  diagnostics.error('export failed: connection refused at the collector');
  diagnostics.error('export failed: connection refused at the collector');
  diagnostics.warn('something else');
  expect(warned).toHaveLength(2);
  at = 60_000;
  diagnostics.error('export failed: connection refused at the collector');
  expect(warned).toHaveLength(3);
});
