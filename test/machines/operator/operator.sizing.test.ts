import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bundleSize,
  expectedSize,
  MAX_BUNDLE,
  measure,
  unmeasured,
  type Sizing,
} from '../../../machines/operator/operator.sizing.ts';
import { blockRefs } from '../support/blocks.ts';
import { operatorPlan } from '../support/plans.ts';

const plan = operatorPlan({ targetBytes: 1000 });
const { taskMs } = plan;
const fresh = unmeasured(plan);

function after(inputs: number, busyMs: number, outputs: number, sizeBytes = 10): Sizing {
  return measure(fresh, inputs, blockRefs(outputs, 1, { sizeBytes }), busyMs);
}

test('an operator takes one block a task until it has shown to be fast', () => {
  expect(bundleSize(plan, fresh)).toBe(1);
  expect(bundleSize(plan, after(50, 50 * taskMs, 50))).toBe(1);
});

test('fast blocks are bundled until a task takes long enough, up to a limit', () => {
  const fast = after(1000, 1000 * (taskMs / 8), 1000);
  expect(bundleSize(plan, fast)).toBe(8);
  expect(bundleSize(plan, after(1000, 0, 1000))).toBe(MAX_BUNDLE);
});

test('an operator whose tasks should take longer bundles more', () => {
  const patient = operatorPlan({ taskMs: 4 * taskMs, targetBytes: 1000 });
  expect(bundleSize(patient, unmeasured(patient))).toBe(1);
  expect(bundleSize(patient, after(1000, 1000 * (taskMs / 8), 1000))).toBe(32);
});

test('what a task makes is no more than what one block may be', () => {
  // The next block may be a quarter larger than the largest so far.
  expect(bundleSize(plan, after(1000, 0, 1000, 40))).toBe(20);
  expect(bundleSize(plan, after(1000, 0, 2000, 40))).toBe(10);
  expect(bundleSize(plan, after(1000, 0, 1000, 999))).toBe(1);
  expect(bundleSize(plan, after(1000, 0, 0))).toBe(MAX_BUNDLE);
});

test('a few fast blocks do not make an operator fast, many do', () => {
  const few = after(1, 0, 1);
  const many = after(100, 0, 100);
  expect(few.blockMs).toBeGreaterThan(many.blockMs);
  expect(bundleSize(plan, few)).toBeLessThan(bundleSize(plan, many));
});

test('an operator that becomes slow bundles less again', () => {
  const fast = after(1000, 0, 1000);
  const slow = measure(fast, 100, [], 100 * 10 * taskMs);
  expect(bundleSize(plan, slow)).toBe(1);
});

test('what the user says about the input of a task counts', () => {
  const fast = after(1000, 0, 1000);
  expect(bundleSize(operatorPlan({ input: { blocks: 3 } }), fast)).toBe(3);
  expect(bundleSize(operatorPlan({ input: { rows: 100 } }), fresh)).toBe(MAX_BUNDLE);
});

test('an operator that keeps state takes all there is at once', () => {
  expect(bundleSize(operatorPlan({ serial: true }), fresh)).toBe(MAX_BUNDLE);
});

test('the first block is expected to have the target size', () => {
  expect(expectedSize(plan, fresh)).toBe(1000);
});

test('the next block is expected to be a little larger than the largest so far', () => {
  expect(expectedSize(plan, after(1, 1, 1, 400))).toBe(500);
});

test('no block is expected to be larger than the target', () => {
  expect(expectedSize(plan, after(1, 1, 1, 5000))).toBe(1000);
});

test('an expected size grows at once and shrinks slowly', () => {
  const small = after(1, 1, 1, 80);
  const grown = measure(small, 1, blockRefs(1, 1, { sizeBytes: 400 }), 1);
  expect(expectedSize(plan, grown)).toBe(500);
  const shrunk = measure(grown, 1, blockRefs(1, 1, { sizeBytes: 80 }), 1);
  expect(expectedSize(plan, shrunk)).toBeLessThan(500);
  expect(expectedSize(plan, shrunk)).toBeGreaterThan(400);
});

test('outputs without a finished input teach their size and nothing else', () => {
  const learned = measure(fresh, 0, blockRefs(3, 1, { sizeBytes: 80 }), 7);
  expect(learned).toEqual({ ...fresh, blockSize: 100 });
});

test('inputs without outputs leave the expected size as it was', () => {
  expect(after(5, 5, 0).blockSize).toBeUndefined();
});

test('the output ratio goes towards the outputs made for an input', () => {
  expect(after(1000, 1, 3000).outputRatio).toBeCloseTo(3);
  expect(after(1000, 1, 0).outputRatio).toBeCloseTo(0);
});

test('a bundle is always a number of blocks that can be taken', () => {
  const measurement = fc.record({
    inputs: fc.nat(100),
    outputs: fc.nat(20),
    bytes: fc.nat(5000),
    busyMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(measurement), (measurements) => {
      const sizing = measurements.reduce(
        (before, { inputs, outputs, bytes, busyMs }) =>
          measure(before, inputs, blockRefs(outputs, 1, { sizeBytes: bytes }), busyMs),
        fresh,
      );
      const bundle = bundleSize(plan, sizing);
      expect(Number.isInteger(bundle) && bundle >= 1 && bundle <= MAX_BUNDLE).toBe(true);
      const size = expectedSize(plan, sizing);
      expect(Number.isInteger(size) && size >= 0 && size <= plan.targetBytes).toBe(true);
      expect(sizing.blockMs).toBeGreaterThanOrEqual(0);
    }),
  );
});
