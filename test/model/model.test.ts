/**
 * The real charts, model-checked: every order of what the world can do, breadth first, with all
 * invariants checked in each state and a look for deadlocks. Small pipelines are explored to the end,
 * larger ones up to a number of states.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { modelConfig, type ModelSize } from './config.ts';
import { explore, type Delivery, type Exploration } from './explore.ts';

const STATES = 100_000;
const explored: Exploration[] = [];

function run(size: ModelSize, delivery: Delivery, limit: number): Exploration {
  const exploration = explore(modelConfig(size), delivery, limit);
  explored.push(exploration);
  return exploration;
}

describe('every state of', () => {
  test.each<[string, ModelSize, readonly string[]]>([
    ['one operator and one input', { operators: 1, inputs: 1, cpu: 1, blocks: 4 }, ['done']],
    ['two tasks at a time', { operators: 1, inputs: 2, cpu: 2, blocks: 4 }, ['done']],
    [
      'four inputs in order',
      { operators: 1, inputs: 4, cpu: 1, blocks: 3, preserveOrder: true },
      ['done'],
    ],
    [
      'two outputs an input, and room for one block',
      { operators: 1, inputs: 2, outputs: 2, cpu: 1, blocks: 1 },
      ['done'],
    ],
    [
      'two operators, and room for one block',
      { operators: 2, inputs: 2, cpu: 1, blocks: 1 },
      ['done'],
    ],
    ['queues of one block', { operators: 2, inputs: 2, cpu: 2, blocks: 2, queue: 1 }, ['done']],
    [
      'a pause',
      { operators: 1, inputs: 3, cpu: 2, blocks: 2, pause: true, preserveOrder: true },
      ['done'],
    ],
    [
      'a cancel',
      { operators: 1, inputs: 3, cpu: 1, blocks: 2, cancel: true },
      ['cancelled', 'done'],
    ],
    [
      'a cancel while two tasks run',
      { operators: 1, inputs: 2, cpu: 2, blocks: 4, cancel: true },
      ['cancelled', 'done'],
    ],
    [
      'a cancel in a pause',
      { operators: 3, inputs: 1, cpu: 1, blocks: 3, cancel: true, pause: true },
      ['cancelled', 'done'],
    ],
    ['a failure', { operators: 2, inputs: 1, cpu: 2, blocks: 3, failures: 1 }, ['done', 'failed']],
    ['a retry', { operators: 1, inputs: 2, cpu: 2, blocks: 4, failures: 1, retries: 1 }, ['done']],
    [
      'a cancel of a retry',
      { operators: 2, inputs: 1, cpu: 1, blocks: 2, failures: 1, retries: 1, cancel: true },
      ['cancelled', 'done'],
    ],
    [
      'a block that is skipped',
      { operators: 3, inputs: 1, cpu: 2, blocks: 3, failures: 1, onError: 'skip' },
      ['done'],
    ],
  ])('%s', (_name, size, ends) => {
    const exploration = run(size, 'nested', Infinity);
    expect(exploration.exhausted).toBe(true);
    expect([...exploration.ends.keys()].sort()).toEqual(ends);
  });
});

describe('many states of', () => {
  test.each<[string, Delivery, number, ModelSize]>([
    [
      'two operators with three tasks',
      'nested',
      15_000,
      { operators: 2, inputs: 2, cpu: 3, blocks: 6, pause: true },
    ],
    [
      'retries that have yielded already, in order',
      'nested',
      15_000,
      {
        operators: 1,
        inputs: 2,
        outputs: 2,
        cpu: 2,
        blocks: 3,
        retries: 1,
        failures: 1,
        preserveOrder: true,
      },
    ],
    [
      'failures and a cancel',
      'nested',
      15_000,
      { operators: 1, inputs: 3, cpu: 2, blocks: 4, failures: 1, cancel: true },
    ],
    [
      'messages that overtake each other',
      'channels',
      15_000,
      { operators: 1, inputs: 1, cpu: 1, blocks: 4 },
    ],
    [
      'messages that overtake each other, and a cancel',
      'channels',
      15_000,
      { operators: 1, inputs: 1, cpu: 1, blocks: 2, cancel: true },
    ],
  ])('%s', (_name, delivery, limit, size) => {
    expect(run(size, delivery, limit).states).toBeGreaterThanOrEqual(limit);
  });
});

test(`all of them together are ${String(STATES)} states or more`, () => {
  const states = explored.reduce((sum, exploration) => sum + exploration.states, 0);
  expect(states).toBeGreaterThanOrEqual(STATES);
});

afterAll(() => {
  const sum = (count: (exploration: Exploration) => number): string =>
    String(explored.reduce((total, exploration) => total + count(exploration), 0));
  console.log(
    `model: ${sum(({ states }) => states)} states, ${sum(({ transitions }) => transitions)} transitions`,
  );
});
