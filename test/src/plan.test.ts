/** What can never run is refused before anything starts, by an error that says what, where and why. */
import { expect, test, vi } from 'vitest';
import {
  OptionError,
  pipeline,
  PlanError,
  type Budget,
  type OperatorOptions,
} from '../../src/index.ts';
import type { FlowNode } from '../../src/graph.ts';
import { planPipeline } from '../../src/plan.ts';
import { resolveBudget } from '../../src/budget.ts';

const start = () => pipeline('p').from([1, 2, 3]);
const work = (options: OperatorOptions) => start().map((x) => x, { name: 'work', ...options });

test.each<[string, OperatorOptions, Budget, RegExp]>([
  [
    'more than the budget',
    { resources: { cpu: 4 } },
    { cpu: 3 },
    /"work" needs 4 cpu for one task, but the budget has 3/,
  ],
  [
    'a resource the budget does not name',
    { resources: { gpu: 1 } },
    { cpu: 3 },
    /"work" needs 1 gpu, which the budget does not name; it names: cpu/,
  ],
  [
    'more than a rate ever saves up',
    { resources: { calls: 5 } },
    { calls: { perSecond: 10, burst: 4 } },
    /"work" needs 5 calls for one task, but the budget has 4/,
  ],
])('F34: a task that needs %s', (_, options, budget, message) => {
  const error = thrownBy(() => work(options).start({ budget }));
  expect(error).toBeInstanceOf(PlanError);
  expect(error).toMatchObject({ code: 'PLAN', operator: 'work' });
  expect((error as PlanError).message).toMatch(message);
});

test('nothing is read when the plan is refused', () => {
  const read = vi.fn(() => [1]);
  const flow = pipeline('p')
    .from(read)
    .map((x) => x, { resources: { cpu: 99 } });
  expect(() => flow.start({ budget: { cpu: 1 } })).toThrow(PlanError);
  expect(read).not.toHaveBeenCalled();
});

test('F36: a pipeline without an operator', () => {
  expect(() => start().start()).toThrow(/"p" has no operator/);
});

test('F37: two operators of one name', () => {
  const flow = work({}).filter(() => true, { name: 'work' });
  expect(() => flow.start()).toThrow(/two operators are named "work"/);
});

test('names we give ourselves are made unique', () => {
  const { plan } = planPipeline(
    'p',
    start()
      .map(double)
      .map(double)
      .map((x) => x)
      .map((x) => x).node,
    resolveBudget(),
    () => 0,
  );
  expect(plan.operators.map(({ name }) => name)).toEqual([
    'source',
    'double',
    'double-2',
    'map',
    'map-2',
  ]);
});

test('F36: a branch that leads nowhere', () => {
  const [left] = start().tee();
  expect(() => left.map((x) => x).start()).toThrow(
    /1 of the 2 branches of a tee of "source" have no sink/,
  );
  const [, , third] = start().split(3);
  expect(() => third?.map((x) => x).start()).toThrow(/2 of the 3 branches of a split/);
});

test('F36: a cycle names its path', () => {
  const a = { ...start().map((x) => x, { name: 'a' }).node } as FlowNode & { inputs: FlowNode[] };
  const b = { ...start().map((x) => x, { name: 'b' }).node } as FlowNode & { inputs: FlowNode[] };
  Object.assign(a, { inputs: [b] });
  Object.assign(b, { inputs: [a] });
  expect(() => planPipeline('p', a, resolveBudget(), () => 0)).toThrow(
    /the pipeline has a cycle: a -> b -> a/,
  );
});

test('F31: a chain of a thousand operators is planned without overflowing the stack', () => {
  let flow = start();
  for (let index = 0; index < 1000; index++) flow = flow.map((x) => x + 1);
  const { plan } = planPipeline('p', flow.node, resolveBudget(), () => 0);
  expect(plan.operators).toHaveLength(1001);
  expect(plan.operators[0]?.depth).toBe(1000);
});

test.each<[string, unknown]>([
  ['name', ''],
  ['name', '   '],
  ['name', '__proto__'],
  ['name', 'a\nb'],
  ['name', 'x'.repeat(201)],
  ['name', 7],
  ['resources', 'cpu'],
  ['resources.cpu', { cpu: -1 }],
  ['resources.cpu', { cpu: NaN }],
  ['resources.cpu', { cpu: Infinity }],
  ['resources.cpu', { cpu: '1' }],
  ['maxConcurrency', 0],
  ['maxConcurrency', 1.5],
  ['maxConcurrency', NaN],
  ['retries', -1],
  ['retries', 'often'],
  ['retries.count', { count: 1.5 }],
  ['retries.backoff', { count: 1, backoff: -5 }],
  ['retries.when', { count: 1, when: true }],
  ['times', { count: 1, times: 2 }],
  ['onError', 'ignore'],
  ['maxErrors', -1],
  ['atomic', 'yes'],
  ['preserveOrder', 1],
  ['input', 5],
  ['input.rows', { rows: 0 }],
  ['bytes', { input: { byte: 1 } }],
  ['output.bytes', { bytes: Infinity }],
  ['queue.blocks', { blocks: 0 }],
  ['timeout', 0],
  ['timeout', Infinity],
])('option %s of %j is an error that names it', (option, value) => {
  const top = option.split('.')[0] ?? option;
  const given =
    top === 'times' || top === 'bytes' ? { retries: value, input: value } : { [top]: value };
  const error = thrownBy(() => work(given as OperatorOptions));
  expect(error).toBeInstanceOf(OptionError);
  expect(error).toMatchObject({ code: 'OPTION' });
  const named = top === 'bytes' ? 'input' : option;
  expect((error as OptionError).option).toBe(named);
  expect((error as OptionError).message).toContain(named);
});

test('unknown options are errors that list the known ones', () => {
  expect(() => work({ maxConcurency: 2 } as OperatorOptions)).toThrow(
    /no option "maxConcurency" here; there are: name, resources, maxConcurrency/,
  );
  expect(() => start().batch({ size: 3 } as never)).toThrow(/no option "size"/);
  expect(() => start().limit(3, { retries: 1 } as never)).toThrow(/no option "retries"/);
  expect(() => work({}).start({ budgets: {} } as never)).toThrow(/no option "budgets"/);
  expect(() => pipeline('p').from([1], { rows: 3 } as never)).toThrow(/no option "rows"/);
});

test.each<[string, unknown]>([
  ['budget.cpu', { cpu: 0 }],
  ['budget.cpu', { cpu: -2 }],
  ['budget.memory', { memory: NaN }],
  ['budget.gpu', { gpu: Infinity }],
  ['budget.blockBytes', { blockBytes: 0 }],
  ['budget.calls.perSecond', { calls: { perSecond: 0 } }],
  ['budget.calls.burst', { calls: { perSecond: 1, burst: -1 } }],
  ['budget', 7],
])('F35: %s of %j is refused', (option, budget) => {
  const error = thrownBy(() => work({}).start({ budget: budget as Budget }));
  expect(error).toBeInstanceOf(OptionError);
  expect((error as OptionError).option).toBe(option);
});

test('arguments of the wrong kind', () => {
  expect(() => pipeline('')).toThrow(OptionError);
  expect(() => pipeline('p').from(5 as never)).toThrow(/from needs an iterable/);
  expect(() => pipeline('p').from('abc' as never)).toThrow(/from needs an iterable/);
  expect(() => pipeline('p').fromBlocks(undefined as never)).toThrow(
    /fromBlocks needs an iterable/,
  );
  expect(() => pipeline('p').fromSource({} as never)).toThrow(/splits and read/);
  expect(() => pipeline('p').from([1], { output: { bytes: 0 } })).toThrow(/"output.bytes" is 0/);
  expect(() => pipeline('p').fromBlocks([[1]], { output: { blocks: 1 } as never })).toThrow(
    /no option "blocks" here/,
  );
  expect(() => start().map('x' as never)).toThrow(/map needs a function/);
  expect(() => start().filter(undefined as never)).toThrow(/filter needs a function/);
  expect(() => start().mapBlocks(null as never)).toThrow(/mapBlocks needs a function/);
  expect(() => start().union([1] as never)).toThrow(/union needs flows/);
  expect(() => start().zip({} as never)).toThrow(/zip needs flows/);
  expect(() => start().to({} as never)).toThrow(/needs an object with a write method/);
  expect(() => start().limit(-1)).toThrow(/"limit" is -1/);
  expect(() => start().tee(0)).toThrow(/"tee" is 0/);
  expect(() => start().batch({})).toThrow(/batch needs/);
  expect(() => work({}).start({ ranking: 'fair' } as never)).toThrow(
    /"ranking" must be a function/,
  );
});

function double(x: number): number {
  return 2 * x;
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
