import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amounts, fromMilli, toMilli } from '../../machines/amounts.ts';

test('amounts are whole thousandths, so that three times 0.1 is 0.3', () => {
  expect(3 * toMilli(0.1)).toBe(toMilli(0.3));
  expect(amounts({ cpu: 1, gpu: 0.25 })).toEqual({ cpu: 1000, gpu: 250 });
});

test('what is finer than a thousandth is rounded', () => {
  expect(toMilli(0.0004)).toBe(0);
  expect(toMilli(1.0006)).toBe(1001);
});

test('every amount of thousandths survives the way to user units and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000_000_000 }), (milli) => {
      expect(toMilli(fromMilli(milli))).toBe(milli);
    }),
  );
});
