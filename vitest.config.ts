import { defineConfig } from 'vitest/config';

const browserTests = 'test/browser/**/*.test.ts';

export default defineConfig({
  test: {
    testTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.types.test.ts', browserTests],
          typecheck: {
            enabled: true,
            include: ['test/**/*.types.test.ts'],
            tsconfig: './tsconfig.json',
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: [browserTests],
          globalSetup: ['test/browser/support/build-page.ts'],
          // As long as the browser itself is waited for (test/browser/support/visit.ts): machines may be busy.
          expect: { poll: { timeout: 15_000 } },
          // One browser at a time: each of them uses all the processors it can get.
          fileParallelism: false,
        },
      },
    ],
  },
});
