import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnBlock, rowsToColumns } from '../../actors/columns/column-block.ts';
import { asColumns, rowBlock } from '../../actors/block.ts';
import { fingerprint } from '../../actors/fingerprint.ts';

const of = (...rows: unknown[]): number => fingerprint(rowBlock(rows));

const data = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.double(),
    fc.integer(),
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.bigInt(),
    fc.date(),
    fc.uint8Array(),
    fc.float64Array({ maxLength: 3 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 3 }).map((all) => new Map(all)),
    fc.array(fc.string(), { maxLength: 3 }).map((all) => new Set(all)),
  ),
})).value;

describe('rows', () => {
  test('that are the same have the same, whatever objects they are', () => {
    fc.assert(
      fc.property(fc.array(data), (rows) => {
        expect(of(...structuredClone(rows))).toBe(of(...rows));
      }),
    );
  });

  test('a number is the same, however it is kept', () => {
    // The second has a field of doubles by the time it gets its 5, the first did not.
    const made = [5, 5.5, 5].map((price) => ({ price }));
    expect(of(made[2])).toBe(of(made[0]));
    expect(of([5, 5.5].slice(0, 1))).toBe(of([5]));
    expect(of(`äbc`.slice(1))).toBe(of('bc'));
  });

  test.each<[unknown, unknown]>([
    [1, '1'],
    [1, 1n],
    [0, -0],
    [0, false],
    [null, undefined],
    [null, 'null'],
    ['', []],
    [[], {}],
    [
      [1, [2]],
      [[1], 2],
    ],
    [[[1], 2], [[1, 2]]],
    [
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ],
    [{ a: { b: 1 } }, { a: {}, b: 1 }],
    [{ a: undefined }, {}],
    ['ab', 'ba'],
    ['a', 'a\0'],
    [new Date(5), 5],
    [new Map([[1, 2]]), new Map([[2, 1]])],
    [new Set([1]), [1]],
    [new Uint8Array([1, 0]), new Uint16Array([1])],
    [new Uint8Array([1, 2, 3, 4, 5]), new Uint8Array([1, 2, 3, 4, 6])],
    [new Uint8Array([1]), new Uint8Array([1]).buffer],
  ])('%o and %o are not the same', (one, other) => {
    expect(of(one)).not.toBe(of(other));
  });

  test('one change anywhere tells', () => {
    const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: `row ${String(id)}` }));
    const seen = new Set([of(...rows)]);
    for (let at = 0; at < rows.length; at += 7) {
      seen.add(of(...rows.map((row, index) => (index === at ? { ...row, id: -1 } : row))));
      seen.add(of(...rows.filter((_, index) => index !== at)));
    }
    expect(seen.size).toBe(2 * Math.ceil(rows.length / 7) + 1);
  });

  test('of which one is in another, or that are nested deeply, have one, too', () => {
    const round: unknown[] = [];
    round.push(round);
    expect(of(round)).not.toBe(of([]));
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(of(deep)).not.toBe(of([[1]]));
  });
});

describe('columns', () => {
  const block = columnBlock(
    {
      id: Float64Array.of(1, 2, 3),
      name: ['a', null, 'cc'],
      kind: ['x', 'y', 'x'],
    },
    { kind: 'dictionary' },
  );

  test('of the same values have the same, and a part is what it shows', () => {
    const again = rowsToColumns(block.rows, { id: 'float64', name: 'utf8', kind: 'dictionary' });
    expect(fingerprint(again)).toBe(fingerprint(block));
    const long = columnBlock({
      x: Array.from({ length: 100 }, (_, at) => (at % 3 === 0 ? null : at)),
    });
    const other = columnBlock({
      x: Array.from({ length: 100 }, (_, at) => (at % 3 === 0 ? null : at % 50)),
    });
    expect(fingerprint(long.slice(8, 40))).toBe(fingerprint(other.slice(8, 40)));
  });

  test('differ from others by name, type, nulls and values', () => {
    const seen = new Set([
      fingerprint(block),
      fingerprint(rowBlock(block.rows)),
      ...[
        columnBlock({ id: Float64Array.of(1, 2, 4) }),
        columnBlock({ id: Float64Array.of(1, 2, 3) }),
        columnBlock({ id: Float32Array.of(1, 2, 3) }),
        columnBlock({ it: Float64Array.of(1, 2, 3) }),
        columnBlock({ id: [1, 2, null] }),
        columnBlock({ id: [1, 2, 0] }),
        columnBlock({ id: ['a', 'bc'] }),
        columnBlock({ id: ['ab', 'c'] }),
        columnBlock({ id: [[1], [2, 3]] }),
        columnBlock({ id: [[1, 2], [3]] }),
        columnBlock({ id: [true, false] }),
        columnBlock({ id: [false, true] }),
        asColumns(rowBlock([1, 2, 3])),
      ].map((each) => fingerprint(each)),
    ]);
    expect(seen.size).toBe(15);
  });
});
