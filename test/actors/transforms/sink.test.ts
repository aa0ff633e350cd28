import { describe, expect, test } from 'vitest';
import type { Block } from '../../../actors/block.ts';
import { columnBlock } from '../../../actors/columns/column-block.ts';
import { SlabBlock, toSlab } from '../../../actors/columns/slab-block.ts';
import { createSlabPool } from '../../../actors/slabs.ts';
import { sinkTransform, type Sink } from '../../../actors/transforms/sink.ts';
import type { TransformContext } from '../../../actors/transform.ts';
import { harness, programOf } from '../support/runner.ts';
import { instanceOf } from '../support/stateful.ts';

/** A sink that notes what happens to it. */
function noting(): { readonly notes: unknown[]; readonly sink: Sink<number> } {
  const notes: unknown[] = [];
  const sink: Sink<number> = {
    open: () => {
      notes.push('open');
    },
    write: async (rows) => {
      await Promise.resolve();
      notes.push(rows);
    },
    close: () => {
      notes.push('close');
    },
    abort: (reason) => {
      notes.push(['abort', reason]);
    },
  };
  return { notes, sink };
}

describe('a sink', () => {
  test('is opened, gets the blocks one after the other, and commits at the end', async () => {
    const { notes, sink } = noting();
    const { instance, take, outputs } = instanceOf(sinkTransform(sink));
    await instance.open?.(new AbortController().signal);
    expect(await take([[[1, 2], [3]]])).toEqual({ satisfied: false });
    await instance.close?.('done', undefined);
    expect(notes).toEqual(['open', [1, 2], [3], 'close']);
    expect(outputs).toEqual([]);
  });

  test.each(['failed', 'cancelled'] as const)('gives up when the run %s', async (outcome) => {
    const { notes, sink } = noting();
    const { instance, take } = instanceOf(sinkTransform(sink));
    await take([[[1]]]);
    await instance.close?.(outcome, 'why');
    expect(notes).toEqual([[1], ['abort', 'why']]);
  });

  test('needs nothing but a function that writes', async () => {
    const rows: number[] = [];
    const transform = sinkTransform<number>({ write: (block) => void rows.push(...block) });
    const { instance, take } = instanceOf(transform);
    await instance.open?.(new AbortController().signal);
    await take([[[1]]]);
    await instance.close?.('done', undefined);
    await instance.close?.('failed', 'why');
    expect(rows).toEqual([1]);
  });
});

test('a sink that takes whole blocks gets its own of one that lies in shared memory', async () => {
  const inSlab = toSlab(columnBlock({ x: new Float64Array(10_000) }), createSlabPool());
  if (inSlab === undefined) throw new Error('it is in no slab');
  const written: Block<unknown>[] = [];
  const { take } = instanceOf(
    sinkTransform({ write: () => undefined, writeBlock: (block) => void written.push(block) }),
  );
  await take([[inSlab]]);
  expect(written).toHaveLength(1);
  expect(written[0]).not.toBeInstanceOf(SlabBlock);
  expect(written[0]?.rows).toEqual(inSlab.rows);
});

test('each write is told everything a transform is told, with the lineage of its block', async () => {
  const seen: unknown[] = [];
  const write = (_rows: readonly number[], context: TransformContext): void => {
    const { operator, lineage, attempt, signal } = context;
    seen.push({ operator, lineage, attempt, aborted: signal.aborted });
    context.log('noted');
    context.progress(1);
  };
  const { env, open, run, logs } = harness([programOf(sinkTransform({ write }))]);
  await open();
  const watched = run([[1], [2]]);
  await env.advance();
  expect(watched.end().type).toBe('run.end');
  expect(seen).toEqual([
    { operator: 'work', lineage: '0', attempt: 1, aborted: false },
    { operator: 'work', lineage: '1', attempt: 1, aborted: false },
  ]);
  expect(logs.map(({ values }) => values)).toEqual([['noted'], 1, ['noted'], 1]);
});
