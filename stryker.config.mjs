// Mutation testing of the charts: `npm run mutation`, or a part of them with `-- --mutate 'machines/task/**'`.
export default {
  mutate: ['machines/**/*.ts', '!machines/**/*.protocol.ts', '!machines/index.ts'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // What is only said to people, in descriptions of states and in messages, is no behaviour of the charts.
  mutator: { excludedMutations: ['StringLiteral'] },
  concurrency: 1,
  timeoutMS: 10_000,
  ignorePatterns: ['bench', 'coverage', 'dist', 'docs', 'examples', 'out', 'src/cli', 'src/node'],
  tempDirName: 'out/stryker',
  reporters: ['clear-text', 'json'],
  jsonReporter: { fileName: 'out/mutation.json' },
  thresholds: { high: 90, low: 80, break: 80 },
};
