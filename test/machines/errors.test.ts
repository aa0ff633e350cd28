import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  describe as describeError,
  FormatError,
  OptionError,
  PlanError,
  RestartLimitError,
  RunError,
  SluiceError,
  StallError,
  StoreError,
  TaskError,
  TimeoutError,
} from '../../machines/errors.ts';

const where = { operator: 'work', attempt: 2, lineage: '0.3' };
const cause = new Error('bad row');

test.each<[SluiceError, string, string]>([
  [new PlanError('a cycle', 'work'), 'PLAN', 'a cycle'],
  [new OptionError('input.rows', 'must be a number'), 'OPTION', 'must be a number'],
  [new TaskError(where, cause), 'TASK', 'operator "work" failed on block 0.3 (attempt 2): bad row'],
  [new TimeoutError(50), 'TIMEOUT', '50 ms'],
  [new FormatError('a.csv', 17, 'no quote'), 'FORMAT', 'a.csv at byte 17: no quote'],
  [new RestartLimitError({ count: 1, withinMs: 9 }, [cause, cause]), 'RESTARTS', 'bad row'],
  [new StallError(['a waits', 'b waits']), 'STALL', 'a waits; b waits'],
  [new RunError('too late'), 'RUN', 'too late'],
  [new CancelledError('demo', 'enough'), 'CANCELLED', 'the run of "demo" was cancelled: enough'],
  [new StoreError('gone'), 'STORE', 'gone'],
])('%s has a code, the name of its class, and says what happened', (error, code, message) => {
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toBeInstanceOf(Error);
  expect(error.code).toBe(code);
  expect(error.name).toBe(error.constructor.name);
  expect(error.message).toContain(message);
});

describe('what errors carry', () => {
  test('a task error its place and its cause', () => {
    expect(new TaskError(where, cause)).toMatchObject({ ...where, cause, later: undefined });
    const outside = new TaskError({ ...where, lineage: '' }, cause);
    expect(outside.message).toBe('operator "work" failed: bad row');
  });

  test('a task error what else failed because of it', () => {
    const { later } = new TaskError({ ...where, later: ['a', 'b'] }, cause);
    expect(later?.errors).toEqual(['a', 'b']);
    expect(new TaskError({ ...where, later: [] }, cause).later).toBeUndefined();
  });

  test('a plan error its operator, an option error its option', () => {
    expect(new PlanError('no sink').operator).toBeUndefined();
    expect(new PlanError('greedy', 'work').operator).toBe('work');
    expect(new OptionError('input.rows', 'wrong').option).toBe('input.rows');
  });

  test('a format error its file, its place, and its cause', () => {
    const error = new FormatError('a.csv', undefined, 'empty', cause);
    expect(error).toMatchObject({ file: 'a.csv', offset: undefined, cause });
    expect(error.message).toBe('a.csv: empty');
    expect('cause' in new FormatError('a.csv', 1, 'x')).toBe(false);
  });

  test('a cancelled error its reason', () => {
    expect(new CancelledError('demo', cause).cause).toBe(cause);
    expect(new CancelledError('demo', undefined).message).toBe('the run of "demo" was cancelled');
  });
});

test.each([
  ['an error, by its message', new Error('no'), 'no'],
  ['an error without a message, by its name', new TypeError(''), 'TypeError'],
  ['a string, as it is', 'no', 'no'],
  ['a number', 7, '7'],
  ['undefined', undefined, 'undefined'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['an object without a prototype', Object.create(null), 'a value that cannot be shown'],
  [
    'an error that cannot be read',
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('hidden');
      },
    }),
    'a value that cannot be shown',
  ],
])('anything that was thrown can be described: %s', (_name, thrown: unknown, text) => {
  expect(describeError(thrown)).toBe(text);
});
