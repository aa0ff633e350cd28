/**
 * Drafts are made field by field: one that is added to a type and forgotten in its draft function would
 * get lost with the next decision, and one that is mixed up with another would be wrong from then on.
 */
import { expect, test } from 'vitest';
import type { Draft } from '../../machines/draft.ts';
import type {
  ClockEvent,
  OutletEvent,
  RunnerEvent,
  StoreEvent,
} from '../../machines/hands.protocol.ts';
import {
  draftContext as draftOperator,
  initialOperator,
} from '../../machines/operator/operator.context.ts';
import { draftCounts, draftView } from '../../machines/operator/operator.drafts.ts';
import type { OperatorReply } from '../../machines/operator/operator.protocol.ts';
import { draftContext as draftSupervisor } from '../../machines/supervisor/supervisor.context.ts';
import { draftTask, initialTask } from '../../machines/task/task.context.ts';
import type { TaskReport } from '../../machines/task/task.protocol.ts';
import { chain, operatorPlan } from './support/plans.ts';
import { recorder } from './support/recorder.ts';
import { desk } from './support/supervisor.ts';
import { viewOf } from './support/views.ts';

const hands = {
  runner: recorder<RunnerEvent>().address,
  store: recorder<StoreEvent>().address,
  clock: recorder<ClockEvent>().address,
  outlet: recorder<OutletEvent>().address,
};

const operator = initialOperator({
  plan: operatorPlan(),
  now: 0,
  supervisor: recorder<OperatorReply>().address,
  ...hands,
});

const task = initialTask({
  slot: 0,
  operatorIndex: 0,
  operatorName: 'work',
  retries: 0,
  onError: 'fail',
  operator: recorder<TaskReport>().address,
  ...hands,
});

/** What is drafted, with all the fields it has, and how it is drafted. */
function drafting<T extends object>(original: T, draft: (original: T) => Draft<T>) {
  return { original, draft: (fields: object): object => draft(fields as T) };
}

const DRAFTS = [
  ['an operator', drafting(operator, draftOperator)],
  ['what an operator counts', drafting(operator.counts, draftCounts)],
  ['the view of an operator', drafting(viewOf(0), draftView)],
  ['a task', drafting(task, draftTask)],
  ['a supervisor', drafting(desk(chain({}, {})).context, draftSupervisor)],
] as const;

test.each(DRAFTS)('a draft of %s has every field, each with its own value', (_name, drafts) => {
  const names = Object.keys(drafts.original);
  expect(names.length).toBeGreaterThan(5);
  const marked = Object.fromEntries(names.map((name) => [name, { valueOf: name }]));
  const copy = drafts.draft(marked) as Readonly<Record<string, unknown>>;
  expect(Object.keys(copy).sort()).toEqual([...names].sort());
  for (const name of names) expect([name, copy[name]]).toEqual([name, marked[name]]);
});

test.each(DRAFTS)(
  'a draft of %s is a copy: what it was made of stays as it was',
  (_name, drafts) => {
    const { original } = drafts;
    const [name = ''] = Object.keys(original);
    const before = { ...original };
    const copy = drafts.draft(original);
    expect(copy).not.toBe(original);
    Object.assign(copy, { [name]: 'changed' });
    expect(original).toEqual(before);
  },
);
