/** Blocks of a store that are lent to workers: copied once, counted, and given back. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { rowBlock } from '../../actors/block.ts';
import { createBlockStore } from '../../actors/block-store.ts';
import { columnBlock, type ColumnBlock } from '../../actors/columns/column-block.ts';
import { SlabBlock } from '../../actors/columns/slab-block.ts';
import { slabPool } from '../../actors/slabs.ts';
import type { Spill } from '../../actors/spill.ts';
import { StoreError } from '../../machines/errors.ts';

const ROWS = 16_384;
const SLAB_BYTES = 8 * ROWS + 4096;

const block = (fill = 0): ColumnBlock<{ x: number }> =>
  columnBlock({ x: new Float64Array(ROWS).fill(fill) });

function lent(store: ReturnType<typeof createBlockStore>, ref: ReturnType<typeof store.put>) {
  const loan = store.lend(ref);
  if (loan === undefined) throw new Error('it is not lent');
  return loan;
}

/** Nothing is left in use at the end. */
function openStore(spill?: Spill) {
  const store = createBlockStore(spill && { spill, blockBytes: Infinity });
  onTestFinished(() => {
    expect(store.usage.slabBytes).toBe(0);
    expect(slabPool.usage()).toMatchObject({ taken: 0, takenBytes: 0 });
  });
  return store;
}

describe('a block that is lent', () => {
  test('is copied once, for all who borrow it, and is what the store has from then on', () => {
    const store = openStore();
    const mine = block(7);
    const ref = store.put(mine, '0', 0);
    const loans = [lent(store, ref), lent(store, ref)];
    expect(loans[0]?.message.slab).toEqual(loans[1]?.message.slab);
    expect(store.usage).toMatchObject({ bytes: mine.sizeBytes, slabBytes: SLAB_BYTES });
    const there = store.get(ref);
    expect(there).toBeInstanceOf(SlabBlock);
    expect(there.rows).toEqual(mine.rows);
    // Who has the block itself still has all of it.
    expect(mine.column('x').values.buffer).toBeInstanceOf(ArrayBuffer);
    for (const { giveBack } of loans) giveBack();
    expect(store.usage.slabBytes).toBe(SLAB_BYTES);
    store.release(ref);
  });

  test.each([
    ['released first', (release: () => void, back: () => void) => [release, back]],
    ['given back first', (release: () => void, back: () => void) => [back, release]],
  ])('has its slab until it is both released and given back: %s', (_name, inOrder) => {
    const store = openStore();
    const ref = store.put(block(), '0', 0);
    const { giveBack } = lent(store, ref);
    const [first, second] = inOrder(() => {
      store.release(ref);
    }, giveBack);
    first?.();
    expect(store.usage.slabBytes).toBe(SLAB_BYTES);
    expect(slabPool.usage().taken).toBe(1);
    second?.();
    expect(store.usage.slabBytes).toBe(0);
    expect(slabPool.usage().taken).toBe(0);
  });

  test('is given back once, however often that is said', () => {
    const store = openStore();
    const ref = store.put(block(), '0', 0);
    const [one, other] = [lent(store, ref), lent(store, ref)];
    one.giveBack();
    one.giveBack();
    store.release(ref);
    expect(store.usage.slabBytes).toBe(SLAB_BYTES);
    other.giveBack();
  });

  test('stays with who borrowed it when the store is cleared', () => {
    const store = openStore();
    const { giveBack, message } = lent(store, store.put(block(5), '0', 0));
    store.clear();
    expect(new SlabBlock<{ x: number }>(message).rows[3]).toEqual({ x: 5 });
    giveBack();
    expect(() => new SlabBlock<{ x: number }>(message).rows).toThrow(StoreError);
  });

  test('leaves its slab to the next one', () => {
    const store = openStore();
    const buffers = [1, 2, 3].map((fill) => {
      const ref = store.put(block(fill), '0', 0);
      const { giveBack, message } = lent(store, ref);
      store.release(ref);
      giveBack();
      return message.slab.buffer;
    });
    expect(new Set(buffers).size).toBe(1);
  });
});

describe('is not lent', () => {
  test('what is small, or rows', () => {
    const store = openStore();
    const refs = [
      store.put(columnBlock({ x: new Float64Array(10) }), '0', 0),
      store.put(rowBlock(['x'.repeat(1e6)]), '1', 0),
    ];
    expect(refs.map(store.lend)).toEqual([undefined, undefined]);
  });

  test('what was released', () => {
    const store = openStore();
    const ref = store.put(block(), '0', 0);
    store.release(ref);
    expect(() => store.lend(ref)).toThrow(StoreError);
  });

  test('anything where memory cannot be shared', () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    onTestFinished(() => {
      vi.unstubAllGlobals();
    });
    const store = openStore();
    const ref = store.put(block(1), '0', 0);
    expect(store.lend(ref)).toBeUndefined();
    expect(store.get(ref).rows[0]).toEqual({ x: 1 });
  });
});

describe('a block in a slab that is spilled', () => {
  /** Writing begins when the limit is 0, and ends when the test says. */
  function openSpilling() {
    let read: unknown;
    let finish: () => void = () => undefined;
    const store = openStore({
      highWater: undefined,
      maxBytes: Infinity,
      async write(_id, written) {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        read = written.rows[0];
        return written.sizeBytes;
      },
      read: () => Promise.resolve(block(3)),
      remove: () => undefined,
      close: () => Promise.resolve(),
    });
    const ref = store.put(block(3), '0', 0);
    store.retain(ref);
    void store.load(ref);
    const loan = lent(store, ref);
    store.release(ref);
    store.setLimit(0);
    const finishWriting = async (): Promise<void> => {
      finish();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { store, ref, loan, finishWriting, read: () => read };
  }

  test('leaves its slab when it is written, and is lent from another when it is back', async () => {
    const { store, ref, loan, finishWriting, read } = openSpilling();
    loan.giveBack();
    await finishWriting();
    expect(read()).toEqual({ x: 3 });
    expect(store.usage).toMatchObject({ bytes: 0, slabBytes: 0, spill: { blocks: 1 } });
    expect((await store.load(ref)).rows[0]).toEqual({ x: 3 });
    lent(store, ref).giveBack();
    expect(store.usage.slabBytes).toBe(SLAB_BYTES);
    store.release(ref);
  });

  test('keeps its slab for who borrowed it', async () => {
    const { store, ref, loan, finishWriting } = openSpilling();
    await finishWriting();
    expect(store.usage).toMatchObject({ bytes: 0, slabBytes: SLAB_BYTES });
    expect(new SlabBlock<{ x: number }>(loan.message).rows[0]).toEqual({ x: 3 });
    loan.giveBack();
    store.release(ref);
  });

  test('keeps its slab while it is written, though it was released', async () => {
    const { store, ref, loan, finishWriting, read } = openSpilling();
    loan.giveBack();
    store.release(ref);
    expect(store.usage).toMatchObject({ bytes: 0, slabBytes: SLAB_BYTES });
    await finishWriting();
    expect(read()).toEqual({ x: 3 });
  });
});
