// Linting: typescript-eslint's strictest rules, and the one of our own: the world is behind `Env`.
import tseslint from 'typescript-eslint';

const SEAM = 'Take it from Env (actors/env.ts), so that a run can be simulated with virtual time.';

/** Clocks, timers, randomness and files: only the live Env and the Node-only entry points touch them. */
const seam = {
  'no-restricted-globals': [
    'error',
    ...[
      'setTimeout',
      'setInterval',
      'setImmediate',
      'queueMicrotask',
      'performance',
      'requestAnimationFrame',
    ].map((name) => ({ name, message: SEAM })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: SEAM },
    { object: 'Math', property: 'random', message: SEAM },
    { object: 'crypto', property: 'randomUUID', message: SEAM },
    { object: 'crypto', property: 'getRandomValues', message: SEAM },
    { object: 'process', property: 'hrtime', message: SEAM },
    { object: 'process', property: 'nextTick', message: SEAM },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: SEAM },
  ],
};

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'out/',
      'coverage/',
      '*.config.js',
      '*.config.mjs',
      '.dependency-cruiser.cjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-empty-function': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['machines/**', 'actors/**', 'src/**'],
    // In the inspector's page the browser is the world: it draws with its frames, of runs elsewhere.
    ignores: [
      'actors/env.ts',
      'actors/sim-env.ts',
      'src/node/**',
      'src/cli/**',
      // The inspector's server is a server.
      'src/inspect/server/**',
      'src/inspect/page/**',
      'src/react/**',
    ],
    rules: {
      ...seam,
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*', 'fs', 'fs/*', 'timers', 'timers/*'], message: SEAM }] },
      ],
    },
  },
  {
    files: ['src/node/**', 'src/cli/**', 'src/inspect/server/**'],
    rules: { ...seam, 'no-console': 'off' },
  },
  {
    // A declaration of a module that is built can import in no other way.
    files: ['**/*.d.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    files: ['test/**', 'bench/**', 'examples/**'],
    rules: {
      'no-console': 'off',
      // What users throw is what is tested.
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
);
