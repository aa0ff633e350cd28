/** What of a block is moved to a worker, and what is copied because somebody may have kept it. */
import { expect, test } from 'vitest';
import { blockFromMessage, type Block } from '../../actors/block.ts';
import { createBlockStore } from '../../actors/block-store.ts';
import { columnBlock } from '../../actors/columns/column-block.ts';
import { remoteRunOf } from './support/remote-runs.ts';

/** Large enough to be moved rather than copied. */
const BYTES = 100_000;

/** As it comes from another thread. */
const rowsWith = (data: Uint8Array): Block<unknown> =>
  blockFromMessage({ kind: 'rows', rows: [{ data }], sizeBytes: BYTES });

test.each([
  ['in rows', rowsWith],
  ['in columns', (data: Uint8Array): Block<unknown> => columnBlock({ data })],
])('a large buffer %s is moved, unless others have had it', async (_where, make) => {
  const store = createBlockStore();
  const [alone, kept] = [new Uint8Array(BYTES), new Uint8Array(BYTES)];
  const aloneRef = store.put(make(alone), '0', 0);
  const keptRef = store.put(make(kept), '1', 0);
  // Somebody has had it, and is gone.
  store.retain(keptRef);
  store.release(keptRef);
  const parts = { givesInputsAway: true };
  expect((await remoteRunOf(store, [aloneRef], parts).job({ id: 1, place: 0 })).transfer).toContain(
    alone.buffer,
  );
  expect(
    (await remoteRunOf(store, [keptRef], parts).job({ id: 2, place: 0 })).transfer,
  ).not.toContain(kept.buffer);
});

test('a block that others have is lent to a transform of rows, and copied for one of columns', async () => {
  const store = createBlockStore();
  const ref = store.put(columnBlock({ data: new Uint8Array(BYTES) }), '0', 0);
  store.retain(ref);
  const jobOf = (format: 'rows' | 'columns') =>
    remoteRunOf(store, [ref], {}, 1, format).job({ id: 1, place: 0 });
  const copied = await jobOf('columns');
  expect(copied.transfer).toHaveLength(1);
  expect(store.usage.slabBytes).toBe(0);
  const lent = await jobOf('rows');
  expect(lent.transfer).toEqual([]);
  expect(store.usage.slabBytes).toBeGreaterThan(BYTES);
  // It lies there now, and can be read by any number.
  const again = await jobOf('columns');
  expect(again.transfer).toEqual([]);
  for (const { loans } of [copied, lent, again]) loans.settleAll();
  store.release(ref);
  store.release(ref);
  expect(store.usage.slabBytes).toBe(0);
});
