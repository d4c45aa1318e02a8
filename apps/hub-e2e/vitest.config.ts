import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** One hub for the tests that only use it; those that kill things start their own. */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      globalSetup: ['src/global-hub.ts'],
      fileParallelism: false,
      testTimeout: 240_000,
      hookTimeout: 600_000,
    },
  }),
);
