/** Functions that tests run in worker threads over blocks that several are sent. */
import type { Block, ColumnBlock } from '../../../src/index.ts';
import { statefulTransform } from '../../../src/workers/stateful-transform.ts';

export interface Mixed {
  readonly id: number;
  readonly small: number | null;
  readonly big: bigint;
  readonly flag: boolean | null;
  readonly text: string | null;
  readonly colour: string;
  readonly at: Date;
  readonly list: readonly number[] | null;
}

function tell(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? `${String(part)}n` : part,
  );
}

/** All that is in some rows, as text. */
export function tellRows(rows: readonly Mixed[]): string[] {
  return rows.map(tell);
}

/** All that is in a block, read column by column. */
export function tellColumns(block: ColumnBlock<Mixed>): string[] {
  const names = ['id', 'small', 'big', 'flag', 'text', 'colour', 'at', 'list'] as const;
  return names.map((name) => tell([name, block.column(name).toArray()]));
}

export function count(rows: readonly unknown[]): number[] {
  return [rows.length];
}

export function pass(block: ColumnBlock<Mixed>): Block<Mixed> {
  return block;
}

/** What is thrown, once a block of these numbers comes. */
export function failsAtThree(rows: readonly { readonly x: number }[]): number[] {
  if (rows[0]?.x === 3) throw new Error('on purpose');
  return [rows.length];
}

/** The first worker is lost to the second block that it gets. */
export const crashesOnce = statefulTransform({
  setup: (_options: undefined, { worker }) => ({ worker, blocks: 0 }),
  transform: (rows: readonly { readonly x: number }[], { state }) => {
    state.blocks += 1;
    if (state.worker === 0 && state.blocks === 2) process.exit(1);
    return [rows.reduce((sum, { x }) => sum + x, 0)];
  },
});

/** Keeps the columns of all blocks it has ever got, and tells whether any of them has changed. */
export const keepsAll = statefulTransform({
  setup: () => [] as { readonly values: Readonly<ArrayLike<number>>; readonly first: number }[],
  transform: (block: ColumnBlock<{ x: number }>, { state }) => {
    const { values } = block.column('x');
    state.push({ values, first: values[0] ?? NaN });
    const isWhole = state.every(({ values, first }) =>
      Array.prototype.every.call(values, (value) => value === first),
    );
    return [{ isWhole, kept: state.length }];
  },
});

/** Waits at a gate with the first block, and tells when it has come there. */
export const waitsWithBlock = statefulTransform({
  setup: (gate: Int32Array) => gate,
  transform: (rows: readonly { readonly x: number }[], { state, log }) => {
    log('waits');
    Atomics.wait(state, 0, 0);
    return [rows.length];
  },
});
