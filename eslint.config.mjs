import { globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname } from 'node:path';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** A project with tag `tag` may use only projects that have one of `targets`. */
const only = (tag, ...targets) => ({ sourceTag: tag, onlyDependOnLibsWithTags: targets });

/** The folders of the projects tagged `tag` in their package.json. */
const projectsTagged = (tag) =>
  globSync('{apps,libs,tools}/*/package.json', { cwd: import.meta.dirname })
    .filter((file) =>
      JSON.parse(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).nx?.tags?.includes(tag),
    )
    .map(dirname);

const pure = projectsTagged('side:pure').map((folder) => `${folder}/src/**/*.ts`);
const notPure = (name, instead) => ({ name, message: `A side:pure project does no I/O: ${instead}.` });

const throughTheDoor = {
  group: ['@trivium/*/*'],
  message: 'A project is used through what its index exports.',
};

export default tseslint.config(
  { ignores: ['**/node_modules', '**/test-results', '**/.nx', '**/.trivium', '**/tmp', '**/dist'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      // Needs Nx's project graph: run through `nx lint`, never through a bare eslint.
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          // The one configuration of vitest, which a project may extend.
          allow: ['../../vitest.config.ts'],
          depConstraints: [
            only('type:contract', 'type:contract'),
            only('type:util', 'type:contract', 'type:adapter', 'type:util', 'type:testkit'),
            only('type:adapter', 'type:contract', 'type:adapter', 'type:domain', 'type:util', 'type:testkit'),
            only('type:domain', 'type:contract', 'type:adapter', 'type:domain', 'type:util', 'type:testkit'),
            only('type:testkit', 'type:contract', 'type:testkit'),
            only('type:app', 'type:contract', 'type:adapter', 'type:domain', 'type:util', 'type:testkit'),
            only('type:client', 'type:contract'),
            only('type:e2e', 'type:contract', 'type:client', 'type:testkit'),
            only('type:tool', 'type:contract', 'type:util', 'type:testkit', 'type:tool'),
            only('side:pure', 'side:pure'),
            {
              sourceTag: 'side:pure',
              bannedExternalImports: [
                '@nats-io/*',
                'aedes',
                'ws',
                'fastify',
                '@fastify/*',
                '@opentelemetry/*',
                'pino',
                'yaml',
              ],
            },
          ],
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      'no-restricted-imports': ['error', { patterns: [throughTheDoor] }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['{apps,libs,tools}/*/{src,bench}/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // A switch names every variant, so that a new one shows where it is not handled yet.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
    },
  },
  {
    files: pure,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            throughTheDoor,
            { group: ['node:*'], message: 'A side:pure project uses nothing of Node.' },
          ],
          paths: builtinModules.map((name) => ({
            name,
            message: 'A side:pure project uses nothing of Node.',
          })),
        },
      ],
      'no-restricted-globals': [
        'error',
        notPure('process', 'pass what it needs from the environment'),
        notPure('Buffer', 'use Uint8Array'),
        notPure('console', 'return a value instead'),
        notPure('fetch', 'pass a function'),
        notPure('setTimeout', 'pass a clock'),
        notPure('setInterval', 'pass a clock'),
        notPure('setImmediate', 'pass a clock'),
        notPure('performance', 'pass a clock'),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pass a clock.' },
        { object: 'Math', property: 'random', message: 'Pass a source of randomness.' },
      ],
    },
  },
);
