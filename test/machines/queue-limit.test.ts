import { expect, test } from 'vitest';
import { queueLimit } from '../../machines/queue-limit.ts';

test.each([
  ['something waits even for an operator that has not begun', { active: 0, bundle: 1 }, 8],
  ['the next bundles wait before its tasks run', { active: 0, bundle: 26 }, 104],
  ['one block a task: two for each task that runs', { active: 16, bundle: 1 }, 32],
  ['two full bundles for each task that runs', { active: 8, bundle: 26 }, 416],
])('%s', (_name, operator, limit) => {
  expect(queueLimit(operator)).toBe(limit);
});
