import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { rowBlock } from '../../actors/block.ts';
import { createBlockStore } from '../../actors/block-store.ts';
import type { BlockStore } from '../../actors/block-store.types.ts';
import { columnBlock, type ColumnBlock } from '../../actors/columns/column-block.ts';
import type { BlockRef } from '../../machines/block.ts';
import { StoreError } from '../../machines/errors.ts';
import { columnsFromThread } from './support/columns-from-thread.ts';

const block = (sizeBytes: number) => rowBlock(['row'], sizeBytes);

describe('a block', () => {
  test('is kept under a small ref that is plain JSON', () => {
    const store = createBlockStore();
    const ref = store.put(rowBlock([1, 2], 16), '0.3', 4);
    expect(ref).toEqual({ id: 1, lineage: '0.3', producer: 4, numRows: 2, sizeBytes: 16 });
    expect(JSON.parse(JSON.stringify(ref))).toEqual(ref);
    expect(store.get(ref).rows).toEqual([1, 2]);
  });

  test('is kept once: what comes out is what went in', () => {
    const store = createBlockStore();
    const rows = [{ id: 1 }];
    expect(store.get(store.put(rowBlock(rows), '0', 0)).rows).toBe(rows);
  });

  test('is gone when its holder lets go', () => {
    const store = createBlockStore();
    const ref = store.put(block(10), '0', 0);
    store.release(ref);
    expect(() => store.get(ref)).toThrow(StoreError);
    expect(() => store.get(ref)).toThrow('block 1 (0) is not in the store');
    expect(store.usage).toMatchObject({ blocks: 0, bytes: 0 });
  });

  test('stays until its last holder lets go', () => {
    const store = createBlockStore();
    const ref = store.put(block(10), '0', 0);
    store.retain(ref, 2);
    expect(store.isShared(ref)).toBe(true);
    store.release(ref);
    store.release(ref);
    expect(store.usage.blocks).toBe(1);
    store.release(ref);
    expect(store.usage.blocks).toBe(0);
  });

  test('that others have had counts as shared: they may have kept what they saw', () => {
    const store = createBlockStore();
    const ref = store.put(block(10), '0', 0);
    expect(store.isShared(ref)).toBe(false);
    store.extend(ref);
    store.release(ref);
    expect(store.isShared(ref)).toBe(false);
    store.retain(ref);
    store.release(ref);
    expect(store.isShared(ref)).toBe(true);
  });

  test('cannot be released, held or looked at by nobody', () => {
    const store = createBlockStore();
    const ref = store.put(block(10), '0', 0);
    store.release(ref);
    for (const use of [
      store.release,
      store.retain,
      store.extend,
      store.spend,
      store.get,
      store.isShared,
    ]) {
      expect(() => {
        use(ref);
      }).toThrow(StoreError);
    }
  });

  test('is known by its id, whatever lineage a branch has given its ref', () => {
    const store = createBlockStore();
    const ref = store.put(block(10), '0', 0);
    store.release({ ...ref, lineage: '0.1' });
    expect(store.usage.blocks).toBe(0);
  });

  test('never gets the id of another one', () => {
    const store = createBlockStore();
    const first = store.put(block(1), '0', 0);
    store.release(first);
    expect(store.put(block(1), '0', 0).id).not.toBe(first.id);
  });
});

describe('usage', () => {
  test('tells the blocks and bytes there are, and the most bytes there have been', () => {
    const store = createBlockStore();
    const first = store.put(block(100), '0', 0);
    const second = store.put(block(50), '1', 0);
    expect(store.usage).toMatchObject({ blocks: 2, bytes: 150, peakBytes: 150 });
    store.release(first);
    store.put(block(20), '2', 0);
    expect(store.usage).toMatchObject({ blocks: 2, bytes: 70, peakBytes: 150 });
    store.release(second);
    expect(store.usage).toMatchObject({ blocks: 1, bytes: 20, peakBytes: 150 });
  });

  test('tells the bytes of the largest block there has been', () => {
    const store = createBlockStore();
    store.release(store.put(block(100), '0', 0));
    store.put(block(50), '1', 0);
    expect(store.usage.largestBytes).toBe(100);
  });

  test('counts the bytes of a block once, however many hold it', () => {
    const store = createBlockStore();
    store.retain(store.put(block(100), '0', 0), 5);
    expect(store.usage).toMatchObject({ blocks: 1, bytes: 100, peakBytes: 100 });
  });
});

describe('freed bytes', () => {
  test('are told by producer, once', () => {
    const store = createBlockStore();
    const refs = [10, 20, 5].map((bytes, index) => store.put(block(bytes), '0', index % 2));
    refs.forEach(store.release);
    expect(store.takeReleased()).toEqual(
      new Map([
        [0, 15],
        [1, 20],
      ]),
    );
    expect(store.takeReleased()).toEqual(new Map());
  });

  test('are not told while somebody still holds the block', () => {
    const store = createBlockStore();
    const ref = store.put(block(10), '0', 0);
    store.retain(ref);
    store.release(ref);
    expect(store.takeReleased()).toEqual(new Map());
  });

  test('of blocks nobody is charged for are not told', () => {
    const store = createBlockStore();
    store.release(store.put(block(10), '0', -1));
    store.release(store.put(block(0), '0', 1));
    expect(store.takeReleased()).toEqual(new Map());
  });

  test('are announced once until they are taken', () => {
    const store = createBlockStore();
    let calls = 0;
    store.onReleased(() => {
      calls += 1;
    });
    const putAndRelease = (): void => {
      store.release(store.put(block(10), '0', 0));
    };
    putAndRelease();
    putAndRelease();
    expect(calls).toBe(1);
    store.takeReleased();
    putAndRelease();
    expect(calls).toBe(2);
  });
});

test('a store that was cleared holds nothing, and later releases mean nothing', () => {
  const store = createBlockStore();
  const ref = store.put(block(10), '0', 0);
  store.clear();
  expect(store.usage).toMatchObject({ blocks: 0, bytes: 0, peakBytes: 10 });
  expect(() => {
    store.release(ref);
  }).not.toThrow();
  expect(() => store.get(ref)).toThrow(StoreError);
});

test('after any puts, retains and releases, the bytes are those of the blocks that are held', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), bytes: fc.nat(100), producer: fc.nat(2) }),
    fc.record({ kind: fc.constant('retain' as const), pick: fc.nat(1000) }),
    fc.record({ kind: fc.constant('release' as const), pick: fc.nat(1000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const store = createBlockStore();
      const held: BlockRef[] = [];
      const freed = new Map<number, number>();
      let peak = 0;
      const alive = (): number => {
        const blocks = new Map(held.map((ref) => [ref.id, ref.sizeBytes]));
        return [...blocks.values()].reduce((sum, bytes) => sum + bytes, 0);
      };
      for (const action of steps) {
        if (action.kind === 'put') {
          held.push(store.put(block(action.bytes), '0', action.producer));
        } else {
          const index = action.pick % Math.max(1, held.length);
          const ref = held[index];
          if (ref === undefined) continue;
          if (action.kind === 'retain') {
            store.retain(ref);
            held.push(ref);
          } else {
            store.release(ref);
            held.splice(index, 1);
            const isGone = held.every(({ id }) => id !== ref.id);
            if (isGone && ref.sizeBytes > 0) {
              freed.set(ref.producer, (freed.get(ref.producer) ?? 0) + ref.sizeBytes);
            }
          }
        }
        peak = Math.max(peak, alive());
        expect(store.usage).toMatchObject({ bytes: alive(), peakBytes: peak });
      }
      expect(store.takeReleased()).toEqual(freed);
    }),
  );
});

describe('a block of columns that nobody needs any more', () => {
  const ROWS = 10_000;

  test('gives its memory back at once', () => {
    const store = createBlockStore();
    const { block, numbers } = columnsFromThread(ROWS);
    const ref = store.put(block, '0', 0);
    const { rows } = store.get(ref);
    store.spend(ref);
    expect(numbers.buffer.byteLength).toBe(0);
    expect(rows).toHaveLength(ROWS);
    expect(() => store.get(ref).rows).toThrow(StoreError);
    expect(store.usage.bytes).toBe(ref.sizeBytes);
    store.release(ref);
    expect(store.usage.bytes).toBe(0);
  });

  test.each<[string, (store: BlockStore, block: ColumnBlock<{ x: number }>) => BlockRef]>([
    [
      'who made it in this thread',
      (store, block) => store.put(columnBlock({ x: block.column('x') }), '0', 0),
    ],
    ['a transform', (store, block) => store.put(block.show(), '0', 0)],
    [
      'another holder',
      (store, block) => {
        const ref = store.put(block, '0', 0);
        store.retain(ref);
        store.release(ref);
        return ref;
      },
    ],
    [
      'a slice',
      (store, block) => {
        store.put(block.slice(0, 10), '1', 0);
        return store.put(block, '0', 0);
      },
    ],
  ])('keeps it when %s may have kept its arrays', (_who, put) => {
    const store = createBlockStore();
    const { block, numbers } = columnsFromThread(ROWS);
    const ref = put(store, block);
    store.spend(ref);
    store.release(ref);
    expect(numbers[ROWS - 1]).toBe(7);
  });

  test('can be released when its arrays were moved by hand before', () => {
    const store = createBlockStore();
    const { block, numbers } = columnsFromThread(ROWS);
    const ref = store.put(block, '0', 0);
    structuredClone(numbers, { transfer: [numbers.buffer as ArrayBuffer] });
    // Browsers refuse to move what is gone, Node 20 does not.
    const post = vi.spyOn(MessagePort.prototype, 'postMessage');
    onTestFinished(() => {
      post.mockRestore();
    });
    store.spend(ref);
    expect(post.mock.calls.flatMap(([, moved]) => moved)).toEqual([]);
    store.release(ref);
    expect(store.usage.blocks).toBe(0);
  });

  test('is left to be collected when it is small', () => {
    const store = createBlockStore();
    const { block, numbers } = columnsFromThread(2);
    store.spend(store.put(block, '0', 0));
    expect([...numbers]).toEqual([7, 7]);
  });
});
