/** Column types and values for properties. */
import fc from 'fast-check';
import type { ColumnType } from '../../../actors/columns/column-types.ts';

/** A column type, and values that fit it. */
const scalars: readonly (readonly [ColumnType, fc.Arbitrary<unknown>])[] = [
  ['int8', fc.integer({ min: -128, max: 127 })],
  ['int16', fc.integer({ min: -32768, max: 32767 })],
  ['int32', fc.integer()],
  ['uint8', fc.integer({ min: 0, max: 255 })],
  ['uint16', fc.integer({ min: 0, max: 65535 })],
  ['uint32', fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['float32', fc.float()],
  ['float64', fc.double()],
  ['int64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['uint64', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['bool', fc.boolean()],
  ['utf8', fc.string({ unit: 'grapheme' })],
  ['dictionary', fc.constantFrom('a', 'bé', '', '🙂')],
  ['timestamp', fc.date({ noInvalidDate: true })],
];
/** Types of columns, lists included, each with values that fit it. */
export const typed = fc
  .constantFrom(...scalars)
  .chain(([type, values]) =>
    fc.constantFrom(
      { type, values },
      { type: { list: type }, values: fc.array(fc.option(values), { maxLength: 4 }) },
      { type: { list: { list: type } }, values: fc.array(fc.array(values, { maxLength: 3 })) },
    ),
  );
