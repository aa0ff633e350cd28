import { defineConfig } from 'vitest/config';

/** The tests of the charts alone: they are fast, and it is them that mutation testing measures. */
export default defineConfig({
  test: { include: ['test/machines/**/*.test.ts'], testTimeout: 60_000 },
});
