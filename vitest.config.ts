import { defineConfig } from 'vitest/config';

/** Shared by every project: `vitest run --root . --config ../../vitest.config.ts`. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    reporters: ['default', ['json', { outputFile: 'test-results/vitest.json' }]],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
  },
});
