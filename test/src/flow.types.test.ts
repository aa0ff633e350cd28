/** Types flow from the source to the rows of the run without annotations. */
import { from as observable } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { createActor, setup, type OutputFrom } from 'xstate';
import {
  pipeline,
  type Flow,
  type OutputBlock,
  type Run,
  type RunReport,
  type RunSnapshot,
} from '../../src/index.ts';

const numbers = pipeline('types').from([1, 2, 3]);

test('sources', () => {
  expectTypeOf(numbers).toEqualTypeOf<Flow<number>>();
  expectTypeOf(pipeline('x').from(observable(['a']))).toEqualTypeOf<Flow<string>>();
  expectTypeOf(pipeline('x').from(() => [1n])).toEqualTypeOf<Flow<bigint>>();
  expectTypeOf(pipeline('x').from(new ReadableStream<Date>())).toEqualTypeOf<Flow<Date>>();
  expectTypeOf(pipeline('x').fromBlocks([[1], [2]])).toEqualTypeOf<Flow<number>>();
  async function* words(): AsyncGenerator<string> {
    yield await Promise.resolve('a');
  }
  expectTypeOf(pipeline('x').from(words())).toEqualTypeOf<Flow<string>>();
  expectTypeOf(pipeline('x').from(words)).toEqualTypeOf<Flow<string>>();
});

test('rows', () => {
  expectTypeOf(numbers.map((x) => String(x))).toEqualTypeOf<Flow<string>>();
  expectTypeOf(numbers.map((x) => Promise.resolve({ x }))).toEqualTypeOf<Flow<{ x: number }>>();
  expectTypeOf(numbers.filter((x) => x > 1)).toEqualTypeOf<Flow<number>>();
  const mixed = pipeline('x').from<number | string>([1, 'a']);
  expectTypeOf(mixed.filter((x) => typeof x === 'string')).toEqualTypeOf<Flow<string>>();
  expectTypeOf(numbers.flatMap((x) => [x, String(x)])).toEqualTypeOf<Flow<number | string>>();
});

test('blocks', () => {
  expectTypeOf(numbers.mapBlocks((rows) => rows.map(String))).toEqualTypeOf<Flow<string>>();
  expectTypeOf(
    numbers.mapBlocks(async (rows) => Promise.resolve(rows.map((x) => x > 1))),
  ).toEqualTypeOf<Flow<boolean>>();
  expectTypeOf(
    numbers.mapBlocks(function* (rows) {
      yield rows.map((x) => [x]);
    }),
  ).toEqualTypeOf<Flow<number[]>>();
  expectTypeOf(
    numbers.mapBlocks(async function* (rows) {
      yield await Promise.resolve(rows.map((x) => ({ x })));
    }),
  ).toEqualTypeOf<Flow<{ x: number }>>();
  // @ts-expect-error a transform of blocks returns arrays of rows, not a row
  numbers.mapBlocks((rows) => rows.length);
});

test('graphs', () => {
  const words = numbers.map(String);
  expectTypeOf(numbers.union(words)).toEqualTypeOf<Flow<number | string>>();
  expectTypeOf(numbers.zip(words)).toEqualTypeOf<Flow<[number, string]>>();
  expectTypeOf(numbers.tee()).toEqualTypeOf<readonly [Flow<number>, Flow<number>]>();
  expectTypeOf(numbers.limit(2).batch({ rows: 2 })).toEqualTypeOf<Flow<number>>();
  expectTypeOf(numbers.to(() => undefined)).toEqualTypeOf<Flow<never>>();
  // @ts-expect-error the sink takes strings, the flow has numbers
  numbers.to((rows: readonly string[]) => {
    rows.at(0);
  });
});

test('runs', () => {
  const run = (): Run<number> => numbers.map((x) => x).start();
  expectTypeOf(run().collect()).resolves.toEqualTypeOf<number[]>();
  expectTypeOf(run().done).resolves.toEqualTypeOf<RunReport>();
  expectTypeOf(run().snapshot()).toEqualTypeOf<RunSnapshot>();
  expectTypeOf(run().blocks()).toEqualTypeOf<AsyncIterableIterator<OutputBlock<number>>>();
  expectTypeOf<Run<number>>().toExtend<AsyncIterable<number>>();
});

test('actor logic', () => {
  const { logic } = numbers.map((x) => x * 2);
  expectTypeOf<OutputFrom<typeof logic>>().toEqualTypeOf<RunReport>();
  const actor = createActor(logic, { input: { budget: { cpu: 2 } } });
  actor.on('block', ({ block }) => {
    expectTypeOf(block).toEqualTypeOf<OutputBlock<number>>();
  });
  actor.on('dead-letter', ({ letter }) => {
    expectTypeOf(letter.rows).toEqualTypeOf<readonly unknown[]>();
  });
  setup({ actors: { etl: logic } }).createMachine({
    initial: 'running',
    states: {
      running: {
        invoke: {
          src: 'etl',
          input: { budget: { cpu: 2 } },
          onDone: {
            actions: ({ event }) => {
              expectTypeOf(event.output.status).toEqualTypeOf<'done' | 'failed' | 'cancelled'>();
            },
          },
        },
      },
    },
  });
  // @ts-expect-error there is no such option
  createActor(logic, { input: { budgets: {} } });
});

test('options', () => {
  // @ts-expect-error maxConcurrency is misspelt
  numbers.map((x) => x, { maxConcurency: 2 });
  // @ts-expect-error not one of the policies
  numbers.map((x) => x, { onError: 'ignore' });
  numbers.start({ budget: { cpu: 2, gpu: 1, api: { perSecond: 10, burst: 20 } } });
});

test('a pipeline of rows with more fields is one of rows with fewer', () => {
  const cats = pipeline('cats').from([{ name: 'Tom', lives: 9 }]);
  expectTypeOf(cats).toExtend<Flow<{ name: string }>>();
  expectTypeOf(cats).toExtend<Flow<unknown>>();
  expectTypeOf(cats.start()).toExtend<Run<unknown>>();
  expectTypeOf(pipeline('animals').from([{ name: 'Tom' }])).not.toExtend<typeof cats>();
});
