import { defineConfig } from 'vitest/config';

/** Shared by every project: `vitest run --root . --config ../../vitest.config.ts`. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    reporters: ['default', ['json', { outputFile: 'test-results/vitest.json' }]],
    // Longer than what a test waits for, which says what has not come: a process alone has a minute to be ready.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
  },
});
