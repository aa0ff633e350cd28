/** What comes out of a worker follows from the module; what goes in is checked against it. */
import { expectTypeOf, test } from 'vitest';
import { pipeline, type Flow } from '../../../src/index.ts';
import { workerModule, workers } from '../../../src/node/index.ts';
import type * as opsModule from './ops.ts';

const ops = workerModule<typeof opsModule>(new URL('./ops.ts', import.meta.url));
const numbers = pipeline('types').from([1, 2, 3]);
const words = pipeline('types').from(['a']);

test('rows', () => {
  expectTypeOf(numbers.mapBlocks(workers(ops, 'double'))).toEqualTypeOf<Flow<number>>();
  expectTypeOf(numbers.mapBlocks(workers(ops, 'later'))).toEqualTypeOf<Flow<number>>();
  expectTypeOf(numbers.mapBlocks(workers(ops, 'oneByOne'))).toEqualTypeOf<Flow<number>>();
  expectTypeOf(numbers.mapBlocks(workers(ops, 'describeTask'))).toEqualTypeOf<
    Flow<{ attempt: number; lineage: string; operator: string }>
  >();
  expectTypeOf(numbers.map(workers(ops, 'square'))).toEqualTypeOf<Flow<number>>();
  expectTypeOf(numbers.filter(workers(ops, 'isOdd'))).toEqualTypeOf<Flow<number>>();
  expectTypeOf(numbers.flatMap(workers(ops, 'repeat'))).toEqualTypeOf<Flow<number>>();
  // @ts-expect-error the function takes numbers, the flow has strings
  words.mapBlocks(workers(ops, 'double'));
  // @ts-expect-error the function takes a number, the flow has strings
  words.map(workers(ops, 'square'));
  // @ts-expect-error it takes a row, not the rows of a block
  numbers.mapBlocks(workers(ops, 'square'));
});

test('columns', () => {
  const columns = pipeline('types').from([{ x: 1 }]);
  expectTypeOf(columns.mapBlocks(workers(ops, 'halve'), { format: 'columns' })).toEqualTypeOf<
    Flow<{ x: number }>
  >();
});

test('names and options', () => {
  // @ts-expect-error the module exports no such function
  workers(ops, 'triple');
  expectTypeOf(numbers.mapBlocks(workers(ops, 'slowStart', { threads: 2 }))).toEqualTypeOf<
    Flow<string>
  >();
  expectTypeOf(numbers.mapBlocks(workers(ops, 'counting', { options: { from: 1 } }))).toEqualTypeOf<
    Flow<number>
  >();
  // @ts-expect-error its setup needs options
  workers(ops, 'counting');
  // @ts-expect-error its setup needs a number
  workers(ops, 'counting', { options: { from: 'one' } });
  // @ts-expect-error a function is not set up
  workers(ops, 'double', { options: 1 });
  // @ts-expect-error there is no such option
  workers(ops, 'double', { thread: 1 });
});
