import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const only = (tag, ...targets) => ({ sourceTag: tag, onlyDependOnLibsWithTags: targets });

export default tseslint.config(
  { ignores: ['**/node_modules', '**/test-results', '**/.nx', '**/.trivium'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: [],
          depConstraints: [
            only('type:contract', 'type:contract'),
            only('type:util', 'type:contract', 'type:adapter', 'type:util'),
            only('type:adapter', 'type:contract', 'type:adapter', 'type:domain', 'type:util', 'type:testkit'),
            only('type:domain', 'type:contract', 'type:adapter', 'type:domain', 'type:util', 'type:testkit'),
            only('type:testkit', 'type:contract', 'type:testkit'),
            only('type:app', 'type:contract', 'type:adapter', 'type:domain', 'type:util', 'type:testkit'),
            only('type:e2e', 'type:contract', 'type:testkit'),
            only('type:tool', 'type:contract', 'type:util', 'type:testkit', 'type:tool'),
            only('side:pure', 'side:pure'),
            {
              sourceTag: 'side:pure',
              bannedExternalImports: ['@nats-io/*', 'aedes', 'ws', 'fastify', '@opentelemetry/*', 'pino'],
            },
          ],
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['libs/contracts/**/*.ts', 'src/**/*.ts'],
    rules: {},
  },
);
