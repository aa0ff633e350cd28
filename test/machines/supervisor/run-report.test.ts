import { expect, test } from 'vitest';
import type { Report } from '../../../machines/supervisor/supervisor.context.ts';
import { runReport } from '../../../machines/supervisor/run-report.ts';
import { blockRef } from '../support/blocks.ts';
import { chain } from '../support/plans.ts';
import { desk } from '../support/supervisor.ts';
import { viewOf } from '../support/views.ts';

const plan = chain({}, {});

const letter = {
  operator: 'work1',
  lineage: '0.1',
  attempts: 2,
  cause: new Error('bad'),
  input: blockRef(1),
  row: undefined,
  published: 0,
};

const report: Report = {
  type: 'operator.report',
  operator: 1,
  view: viewOf(1),
  outputs: [],
  tokens: [],
  produced: 0,
  returned: 0,
  failure: undefined,
  laterErrors: [],
  counts: {
    tasks: 5,
    retried: 1,
    failed: 0,
    cancelled: 0,
    dropped: 1,
    rowsDropped: 2,
    blocksIn: 6,
    rowsIn: 60,
    bytesIn: 600,
    blocksOut: 5,
    rowsOut: 50,
    bytesOut: 500,
    busyMs: 40,
  },
  dropped: [letter],
  shares: { doing: 'running', since: 60, spent: { starved: 30, cpu: 10 } },
};

test('a report tells how the run went, and what each operator did', () => {
  const { context } = desk(plan, [], {
    startedAt: 20,
    now: 120,
    cycles: 9,
    reports: [undefined, report],
    ending: { outcome: 'done' },
  });
  const { operators, ...rest } = runReport(context);
  expect(rest).toEqual({
    spill: { written: 0, writtenBytes: 0, restored: 0, remade: 0, failed: 0, lastError: undefined },
    name: 'chain',
    status: 'done',
    stopped: false,
    durationMs: 100,
    cycles: 9,
    failure: undefined,
    reason: undefined,
  });
  expect(Object.keys(operators)).toEqual(['source', 'work1']);
  expect(operators['work1']).toEqual({
    ...report.counts,
    droppedCount: 1,
    dropped: [letter],
    shares: { starved: 30, cpu: 10, running: 60 },
  });
});

test('an operator that never reported did nothing', () => {
  const { operators } = runReport(desk(plan).context);
  expect(operators['source']).toMatchObject({
    tasks: 0,
    blocksIn: 0,
    droppedCount: 0,
    dropped: [],
  });
});

test('a failure is told with its operator, its place, and all that failed besides', () => {
  const error = new Error('no');
  const failure = { error, attempt: 3, lineage: '0.2' };
  const other = { error: 'elsewhere', attempt: 1, lineage: '0.1' };
  const { context } = desk(plan, [], {
    ending: { outcome: 'failed', operator: 1, failure },
    reports: [
      { ...report, failure: other, laterErrors: ['elsewhere again'] },
      { ...report, failure, laterErrors: ['here again'] },
    ],
    laterErrors: ['while closing'],
  });
  expect(runReport(context)).toMatchObject({
    status: 'failed',
    failure: {
      operator: 'work1',
      ...failure,
      later: ['elsewhere', 'elsewhere again', 'here again', 'while closing'],
    },
  });
});

test('a cancelled run keeps its reason, one that was stopped says so', () => {
  const cancelled = desk(plan, [], { ending: { outcome: 'cancelled', reason: 'enough' } });
  expect(runReport(cancelled.context)).toMatchObject({ status: 'cancelled', reason: 'enough' });
  const stopped = desk(plan, [], { ending: { outcome: 'done' }, stopping: true });
  expect(runReport(stopped.context)).toMatchObject({ status: 'done', stopped: true });
});
