/** The table of ids does what a map does, whichever ids come and go. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIdTable, type IdTable } from '../../actors/id-table.ts';

/** Ids of one page of the table: see actors/id-table.ts. */
const PAGE = 256;

function tableOf(ids: readonly number[]): IdTable<string> {
  const table = createIdTable<string>();
  for (const id of ids) table.add(id, `item ${String(id)}`);
  return table;
}

describe('an id table', () => {
  test('has what was put in, under its id and no other', () => {
    const table = tableOf([7]);
    expect([table.get(7), table.get(6), table.get(7 + PAGE)]).toEqual([
      'item 7',
      undefined,
      undefined,
    ]);
    expect(table.size).toBe(1);
  });

  test('lists its items in the order of their ids, whenever they came', () => {
    const table = tableOf([900, 3, 255, 256, 1]);
    expect(table.items()).toEqual(['item 1', 'item 3', 'item 255', 'item 256', 'item 900']);
  });

  test('is empty at first, and knows nothing', () => {
    const table = createIdTable<string>();
    table.delete(0);
    expect([table.size, table.get(0), table.items()]).toEqual([0, undefined, []]);
  });

  test('loses what is deleted, and nothing beside it', () => {
    const table = tableOf([1, 2, 3]);
    table.delete(2);
    expect([table.get(1), table.get(2), table.get(3)]).toEqual(['item 1', undefined, 'item 3']);
    expect([table.size, table.items()]).toEqual([2, ['item 1', 'item 3']]);
  });

  test('what is not there can be deleted, again and again', () => {
    const table = tableOf([1, 2]);
    table.delete(1);
    table.delete(1);
    table.delete(5 * PAGE);
    expect([table.size, table.get(2)]).toEqual([1, 'item 2']);
  });

  test('an id that has become free takes another item', () => {
    const table = tableOf([1, 2]);
    table.delete(1);
    table.add(1, 'another');
    expect([table.size, table.get(1), table.items()]).toEqual([
      2,
      'another',
      ['another', 'item 2'],
    ]);
  });

  test('a page that has become empty can be filled again, at once or after others', () => {
    const table = tableOf([0]);
    table.delete(0);
    expect([table.size, table.get(0), table.items()]).toEqual([0, undefined, []]);
    table.add(1, 'at once');
    table.delete(1);
    table.add(3 * PAGE, 'elsewhere');
    table.add(2, 'after others');
    expect([table.get(0), table.get(1), table.get(2)]).toEqual([
      undefined,
      undefined,
      'after others',
    ]);
    expect([table.size, table.items()]).toEqual([2, ['after others', 'elsewhere']]);
  });

  test('a page that is looked for before it is there is found when it is', () => {
    const table = tableOf([0]);
    expect(table.get(PAGE)).toBeUndefined();
    table.add(PAGE, 'new');
    expect([table.get(PAGE), table.get(0)]).toEqual(['new', 'item 0']);
  });

  test('ids far apart do not meet', () => {
    const ids = [0, PAGE, 1_000_000, 2 ** 31 + 1, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
    const table = tableOf(ids);
    expect(ids.map((id) => table.get(id))).toEqual(ids.map((id) => `item ${String(id)}`));
    table.delete(2 ** 31 + 1);
    expect(table.get(2 ** 32 + 1)).toBe(`item ${String(2 ** 32 + 1)}`);
    expect(table.items()).toHaveLength(ids.length - 1);
  });

  test('ids that go while others come leave nothing behind', () => {
    const table = createIdTable<number>();
    for (let id = 0; id < 20 * PAGE; id++) {
      table.add(id, id);
      if (id >= 10) table.delete(id - 10);
    }
    expect(table.items()).toEqual(Array.from({ length: 10 }, (_, at) => 20 * PAGE - 10 + at));
    for (const id of table.items()) table.delete(id);
    expect([table.size, table.items()]).toEqual([0, []]);
  });
});

/** Few ids at the borders of a few pages, so that pages come and go, and some far away. */
const someId = fc.oneof(
  fc.nat(4),
  fc.integer({ min: PAGE - 3, max: PAGE + 3 }),
  fc.integer({ min: 2 * PAGE - 3, max: 2 * PAGE + 3 }),
  fc.integer({ min: 2 ** 40, max: 2 ** 40 + 3 }),
);
const step = fc.record({
  id: someId,
  kind: fc.constantFrom('add' as const, 'delete' as const, 'get' as const),
});

test('any additions and deletions do what they do to a plain map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const table = createIdTable<number>();
      const map = new Map<number, number>();
      for (const [item, { id, kind }] of steps.entries()) {
        // An item is put under an id that has none.
        if (kind === 'add' && !map.has(id)) {
          table.add(id, item);
          map.set(id, item);
        } else if (kind === 'delete') {
          table.delete(id);
          map.delete(id);
        }
        expect(table.get(id)).toBe(map.get(id));
        expect(table.size).toBe(map.size);
      }
      const inOrder = [...map].sort(([a], [b]) => a - b);
      expect(table.items()).toEqual(inOrder.map(([, item]) => item));
      for (const [id, item] of inOrder) expect(table.get(id)).toBe(item);
    }),
    { numRuns: 300 },
  );
});
