import { expect, test } from 'vitest';
import { RestartLimitError } from '../../../machines/errors.ts';
import type { DeadLetter } from '../../../machines/hands.protocol.ts';
import {
  initialOperator,
  type OperatorContext,
} from '../../../machines/operator/operator.context.ts';
import { noteDrops, noteRetry } from '../../../machines/operator/operator.failures.ts';
import type { OperatorPlan } from '../../../machines/plan.ts';
import { blockRef } from '../support/blocks.ts';
import { operatorPlan } from '../support/plans.ts';
import { recorder } from '../support/recorder.ts';

function contextOf(parts: Partial<OperatorPlan>): OperatorContext {
  return initialOperator({
    plan: operatorPlan(parts),
    now: 0,
    supervisor: recorder().address,
    runner: recorder().address,
    store: recorder().address,
    clock: recorder().address,
    outlet: recorder().address,
  });
}

/** The operator after attempts that failed at these times. */
function after(times: readonly number[], restarts: OperatorPlan['restarts']): OperatorContext {
  return times.reduce(
    (context, now, index) =>
      noteRetry(
        context,
        { lineage: '0.1', attempt: index + 1, error: `error ${String(index)}`, delayMs: 0 },
        now,
      ),
    contextOf({ restarts }),
  );
}

function letterOf(lineage: string): DeadLetter {
  const input = blockRef(1, { lineage });
  return {
    operator: 'work',
    lineage,
    attempts: 2,
    cause: `bad ${lineage}`,
    input,
    row: undefined,
    published: 0,
  };
}

test('an operator may fail as often as its restarts allow, and no more within the time', () => {
  const limit = { count: 2, withinMs: 100 };
  expect(after([0, 10], limit).failure).toBeUndefined();
  const { failure } = after([0, 10, 20], limit);
  expect(failure).toMatchObject({ attempt: 3, lineage: '0.1' });
  const error = failure?.error as RestartLimitError;
  expect(error).toBeInstanceOf(RestartLimitError);
  expect(error.errors).toEqual(['error 0', 'error 1', 'error 2']);
  expect(error.cause).toBe('error 0');
});

test('failures that are long ago are forgotten', () => {
  const limit = { count: 2, withinMs: 100 };
  expect(after([0, 50, 100, 150, 200, 250], limit).failure).toBeUndefined();
  expect(after([0, 60, 99], limit).failure).toBeDefined();
});

test('without a limit an operator may fail as often as it likes', () => {
  const context = after(
    Array.from({ length: 1000 }, (_, index) => index),
    undefined,
  );
  expect(context.failure).toBeUndefined();
  expect(context.recentFailures).toEqual([]);
});

test('the first failure is the one that counts', () => {
  const limit = { count: 0, withinMs: 100 };
  expect(after([0, 10], limit).failure?.attempt).toBe(1);
});

test('blocks and rows that were given up count together', () => {
  const context = contextOf({ maxErrors: 2 });
  const two = { ...context, counts: { ...context.counts, dropped: 1, rowsDropped: 1 } };
  expect(noteDrops(two, [letterOf('0.1')]).failure).toBeUndefined();
  const three = { ...context, counts: { ...context.counts, dropped: 1, rowsDropped: 2 } };
  expect(noteDrops(three, [letterOf('0.1'), letterOf('0.2')])).toMatchObject({
    failure: { error: 'bad 0.2', attempt: 2, lineage: '0.2' },
    dropped: [{ lineage: '0.1' }, { lineage: '0.2' }],
  });
});

test('nothing given up changes nothing', () => {
  const context = contextOf({ maxErrors: 0 });
  expect(noteDrops(context, [])).toBe(context);
  expect(noteRetry(context, undefined, 0)).toBe(context);
});
