import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ParkedOutputs } from '../../../machines/operator/operator.context.ts';
import { queueUp, release } from '../../../machines/operator/operator.order.ts';
import { blockRef, blockRefs, idsOf } from '../support/blocks.ts';

/** The order in which the tasks 0, 1, 2, ... were started. */
function started(tasks: number): readonly ParkedOutputs[] {
  let order: readonly ParkedOutputs[] = [];
  for (let task = 0; task < tasks; task++) order = queueUp(order, task);
  return order;
}

test('outputs of the first task leave at once', () => {
  const [leaving, order] = release(started(2), 0, blockRefs(2), false);
  expect(idsOf(leaving)).toEqual([1, 2]);
  expect(order).toEqual(started(2));
});

test('outputs of a later task wait until the tasks before it are over', () => {
  const [none, waiting] = release(started(2), 1, blockRefs(1), false);
  expect(none).toEqual([]);
  const [leaving] = release(waiting, 0, [blockRef(9)], true);
  expect(idsOf(leaving)).toEqual([9, 1]);
});

test('a task that was over before its turn leaves with the one before it', () => {
  const [, one] = release(started(3), 2, [blockRef(3)], true);
  const [, two] = release(one, 1, [blockRef(2)], true);
  const [leaving, order] = release(two, 0, [blockRef(1)], true);
  expect(idsOf(leaving)).toEqual([1, 2, 3]);
  expect(order).toEqual([]);
});

test('a task without outputs keeps nobody waiting when it is over', () => {
  const [, parked] = release(started(2), 1, [blockRef(5)], true);
  expect(idsOf(release(parked, 0, [], true)[0])).toEqual([5]);
});

test('whatever the order of events, outputs leave by task, and within a task as yielded', () => {
  const events = fc.array(fc.record({ task: fc.nat(4), outputs: fc.nat(3) }), { maxLength: 40 });
  fc.assert(
    fc.property(events, fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), (yields, ends) => {
      let order = started(5);
      let nextId = 1;
      const made: number[][] = [[], [], [], [], []];
      const left: number[] = [];
      const apply = (task: number, outputs: number, over: boolean): void => {
        const refs = blockRefs(outputs, nextId);
        nextId += outputs;
        made[task]?.push(...idsOf(refs));
        const [leaving, rest] = release(order, task, refs, over);
        left.push(...idsOf(leaving));
        order = rest;
      };
      for (const { task, outputs } of yields) apply(task, outputs, false);
      for (const task of ends) apply(task, 1, true);
      expect(left).toEqual(made.flat());
      expect(order).toEqual([]);
    }),
  );
});
