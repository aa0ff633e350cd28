/** The block store with a place to spill to that the test plays. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowBlock, type Block } from '../../actors/block.ts';
import { createBlockStore } from '../../actors/block-store.ts';
import type { Spill } from '../../actors/spill.ts';
import type { BlockRef } from '../../machines/block.ts';
import { StoreError } from '../../machines/errors.ts';
import { columnsFromThread } from './support/columns-from-thread.ts';

const block = (sizeBytes: number): Block<unknown> => rowBlock([sizeBytes], sizeBytes);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Keeps blocks in a map; writes and reads take a macrotask. */
function memorySpill(parts: Partial<Spill> = {}) {
  const kept = new Map<number, Block<unknown>>();
  let closed = 0;
  const spill: Spill = {
    highWater: 100,
    maxBytes: Infinity,
    async write(id, block) {
      await settled();
      kept.set(id, block);
      return block.sizeBytes;
    },
    async read(id) {
      await settled();
      const found = kept.get(id);
      if (found === undefined) throw new StoreError('it is not there');
      return rowBlock(found.rows.slice(), found.sizeBytes);
    },
    remove: (id) => {
      kept.delete(id);
    },
    close: () => {
      closed += 1;
      kept.clear();
      return Promise.resolve();
    },
    ...parts,
  };
  return { kept, spill, closed: () => closed };
}

function storeWith(parts?: Partial<Spill>) {
  const memory = memorySpill(parts);
  const store = createBlockStore({ spill: memory.spill, blockBytes: 1000 });
  return { ...memory, store };
}

/** Lets all writing and reading come to its end. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await settled();
}

describe('that others have had a block', () => {
  test('is forgotten when it comes back: nobody has seen this copy', async () => {
    const { store } = storeWith();
    const ref = store.put(block(60), '0', 0);
    store.retain(ref);
    store.release(ref);
    store.put(block(60), '1', 1);
    store.put(block(60), '2', 2);
    await quiet();
    expect(store.usage.spill.blocks).toBeGreaterThan(0);
    expect(store.isShared(ref)).toBe(true);
    await store.load(ref);
    expect(store.isShared(ref)).toBe(false);
  });
});

describe('a block that is being written', () => {
  test('keeps its memory until it is, whoever needs it no more', async () => {
    let finish = (): void => undefined;
    const { store } = storeWith({
      write: (_id, written) =>
        new Promise((resolve) => {
          finish = () => {
            resolve(written.sizeBytes);
          };
        }),
    });
    const { block, numbers } = columnsFromThread(20_000);
    const ref = store.put(block, '0', 0);
    expect(store.spillReport().writing).toBe(1);
    await store.load(ref);
    store.spend(ref);
    expect(numbers).toHaveLength(20_000);
    finish();
    await quiet();
    store.spend(ref);
    expect(numbers).toHaveLength(0);
  });
});

describe('above the high-water mark', () => {
  test('the newest blocks of the longest queue go, until there is little enough', async () => {
    const { store, kept } = storeWith();
    const refs = [40, 40, 40, 40].map((bytes) => store.put(block(bytes), '0', 0));
    store.put(block(30), '1', 1);
    await quiet();
    expect([...kept.keys()].sort()).toEqual([2, 3, 4]);
    expect(store.usage).toMatchObject({
      blocks: 5,
      bytes: 70,
      peakBytes: 190,
      spill: { blocks: 3, bytes: 120, diskBytes: 120, written: 3, writtenBytes: 120 },
    });
    expect(refs.map((ref) => store.load(ref) instanceof Promise)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test('half of what may be in memory is where it begins, and a new limit counts at once', async () => {
    const { store, kept } = storeWith({ highWater: undefined });
    for (let put = 0; put < 4; put++) store.put(block(100), '0', 0);
    await quiet();
    expect(kept.size).toBe(0);
    store.setLimit(400);
    await quiet();
    expect([...kept.keys()].sort()).toEqual([3, 4]);
    store.setLimit(2000);
    for (let put = 0; put < 7; put++) store.put(block(100), '0', 0);
    await quiet();
    expect(kept.size).toBe(2);
  });

  test('a limit does not change where it begins when the spill says so itself', async () => {
    const { store, kept } = storeWith();
    for (let put = 0; put < 4; put++) store.put(block(25), '0', 0);
    store.setLimit(100);
    await quiet();
    expect(kept.size).toBe(0);
  });

  test('what went is told as freed, and what comes back is charged again', async () => {
    const { store } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 3);
    await quiet();
    expect(store.takeReleased()).toEqual(new Map([[3, 50]]));
    await store.load(ref);
    expect(store.takeReleased()).toEqual(new Map([[3, -50]]));
    store.release(ref);
    expect(store.takeReleased()).toEqual(new Map([[3, 50]]));
  });

  test('blocks in use stay, and so do those nobody is charged for', async () => {
    const { store, kept } = storeWith();
    const used = store.put(block(50), '0', 0);
    void store.load(used);
    store.put(rowBlock(['split'], 0), '1', -1);
    store.put(block(60), '2', 0);
    await quiet();
    expect([...kept.keys()]).toEqual([3]);
    expect(store.get(used).sizeBytes).toBe(50);
  });

  test('a block that was let go of by one of its users may go', async () => {
    const { store, kept } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 0);
    void store.load(ref);
    store.retain(ref);
    store.release(ref);
    await quiet();
    expect(kept.size).toBe(1);
    expect(() => store.get(ref)).toThrow('is not in memory: load it first');
  });

  test('a block that somebody began to use while it was written stays', async () => {
    const { store, kept } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 0);
    expect(store.load(ref)).not.toBeInstanceOf(Promise);
    await quiet();
    expect(kept.size).toBe(1);
    expect(store.get(ref).sizeBytes).toBe(50);
    expect(store.usage).toMatchObject({ bytes: 50, spill: { blocks: 0, diskBytes: 50 } });
  });

  test('a block that was written before goes again without being written', async () => {
    let writes = 0;
    const { spill } = memorySpill({ highWater: 0 });
    const store = createBlockStore({
      spill: { ...spill, write: (...args) => ((writes += 1), spill.write(...args)) },
      blockBytes: 1000,
    });
    const ref = store.put(block(50), '0', 0);
    await quiet();
    await store.load(ref);
    store.retain(ref);
    store.release(ref);
    await quiet();
    expect(writes).toBe(1);
    expect(store.usage).toMatchObject({ bytes: 0, spill: { blocks: 1, written: 1, restored: 1 } });
  });

  test('what is of a kind that cannot be kept stays, and is not tried again', async () => {
    let writes = 0;
    const { store } = storeWith({
      highWater: 0,
      write: () => ((writes += 1), Promise.resolve(undefined)),
    });
    store.put(block(50), '0', 0);
    await quiet();
    store.put(rowBlock([], 0), '0', 0);
    await quiet();
    expect(writes).toBe(1);
    expect(store.usage).toMatchObject({ bytes: 50, spill: { written: 0, failed: 0 } });
  });

  test('only so much is kept outside', async () => {
    const { store, kept } = storeWith({ highWater: 0, maxBytes: 100 });
    for (let index = 0; index < 4; index++) store.put(block(40), '0', 0);
    await quiet();
    expect(kept.size).toBe(2);
  });
});

describe('a place that fails', () => {
  test('to write keeps the block in memory, is told, and is tried again after a while', async () => {
    let writes = 0;
    const { store } = storeWith({
      highWater: 0,
      write: () => ((writes += 1), Promise.reject(new StoreError('no space left'))),
    });
    store.put(block(50), '0', 0);
    await quiet();
    expect(store.usage.spill).toMatchObject({ writing: 0, failed: 1, lastError: 'no space left' });
    for (let index = 0; index < 200; index++) store.release(store.put(block(1), '0', 0));
    await quiet();
    expect(writes).toBeGreaterThan(1);
    expect(writes).toBeLessThan(10);
  });

  test('to read makes load fail; the next one tries again', async () => {
    const { store, kept } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 0);
    await quiet();
    const [id = 0, lost = block(50)] = [...kept][0] ?? [];
    kept.clear();
    await expect(store.load(ref)).rejects.toThrow(StoreError);
    expect(store.usage).toMatchObject({ bytes: 0, spill: { blocks: 1, failed: 1 } });
    kept.set(id, lost);
    expect((await store.load(ref)).rows).toEqual([50]);
  });
});

describe('two who load a block at once', () => {
  test('get the same, which is read once', async () => {
    const { store } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 0);
    store.retain(ref);
    await quiet();
    const [one, other] = await Promise.all([store.load(ref), store.load(ref)]);
    expect(one).toBe(other);
    expect(store.usage.spill.restored).toBe(1);
  });

  test('a block that is released while it is read is gone', async () => {
    const { store, kept } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 0);
    await quiet();
    const loading = store.load(ref);
    store.release(ref);
    await expect(loading).rejects.toThrow('is not in the store');
    expect(store.usage).toMatchObject({ blocks: 0, bytes: 0, spill: { blocks: 0, diskBytes: 0 } });
    expect(kept.size).toBe(0);
  });
});

describe('closing', () => {
  test('waits for blocks that are written, and for those nobody has taken yet', async () => {
    const { store, closed } = storeWith({ highWater: 0 });
    const ref = store.put(block(50), '0', 0);
    let isClosed = false;
    void store.close().then(() => (isClosed = true));
    await quiet();
    expect([isClosed, closed()]).toEqual([false, 0]);
    await store.load(ref);
    await quiet();
    expect([isClosed, closed()]).toEqual([true, 1]);
    expect(store.get(ref).rows).toEqual([50]);
  });

  test('spills no more', async () => {
    const { store, kept } = storeWith({ highWater: 0 });
    void store.close();
    store.put(block(50), '0', 0);
    await quiet();
    expect(kept.size).toBe(0);
  });

  test('after clear leaves nothing, even of what is being written', async () => {
    const { store, kept, closed } = storeWith({ highWater: 0 });
    for (let index = 0; index < 5; index++) store.put(block(50), '0', 0);
    await settled();
    store.clear();
    await store.close();
    expect([kept.size, closed()]).toEqual([0, 1]);
    expect(store.usage).toMatchObject({ blocks: 0, bytes: 0, spill: { blocks: 0, diskBytes: 0 } });
  });
});

test('after anything, in any order, the accounts are right and every block is as it was', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), bytes: fc.integer({ min: 1, max: 80 }) }),
    fc.record({ kind: fc.constantFrom('load', 'retain', 'release', 'wait'), pick: fc.nat(1000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const { store, kept } = storeWith();
      const held: BlockRef[] = [];
      let freed = 0;
      const takeFreed = (): void => {
        for (const bytes of store.takeReleased().values()) freed += bytes;
      };
      let made = 0;
      for (const action of steps) {
        if ('bytes' in action) {
          held.push(store.put(block(action.bytes), '0', made % 3));
          made += action.bytes;
          continue;
        }
        const index = action.pick % Math.max(1, held.length);
        const ref = held[index];
        if (ref === undefined) continue;
        if (action.kind === 'wait') await settled();
        else if (action.kind === 'load') {
          expect((await store.load(ref)).rows).toEqual([ref.sizeBytes]);
        } else if (action.kind === 'retain') {
          store.retain(ref);
          held.push(ref);
        } else {
          store.release(ref);
          held.splice(index, 1);
        }
        takeFreed();
        expect(store.usage.bytes).toBe(made - freed);
      }
      await quiet();
      const { spill, blocks, bytes } = store.usage;
      expect(blocks).toBe(new Set(held.map(({ id }) => id)).size);
      expect([...kept.values()].reduce((sum, one) => sum + one.sizeBytes, 0)).toBe(spill.diskBytes);
      const weight = new Map(held.map(({ id, sizeBytes }) => [id, sizeBytes]));
      expect([...weight.values()].reduce((sum, one) => sum + one, 0)).toBe(bytes + spill.bytes);
      for (const ref of held) store.release(ref);
      await store.close();
      takeFreed();
      expect(freed).toBe(made);
      expect(store.usage).toMatchObject({
        blocks: 0,
        bytes: 0,
        spill: { blocks: 0, diskBytes: 0 },
      });
    }),
    { numRuns: 200 },
  );
});
