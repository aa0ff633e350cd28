/** A block as the consumer of a run gets it. */
import type { Block, BlockTransfer, Field } from '../actors/block.ts';
import type { Fields } from '../actors/columns/column-types.ts';
import type { Column } from '../actors/columns/column.ts';

export interface OutputBlock<T> extends Block<T> {
  /** Where it came from, by position; the same on every schedule and every retry. */
  readonly lineage: string;
}

class LabelledBlock<T> implements OutputBlock<T> {
  readonly kind: 'rows' | 'columns';
  readonly lineage: string;
  readonly numRows: number;
  readonly sizeBytes: number;
  readonly #block: Block<T>;

  constructor(block: Block<T>, lineage: string) {
    this.kind = block.kind;
    this.lineage = lineage;
    this.numRows = block.numRows;
    this.sizeBytes = block.sizeBytes;
    this.#block = block;
  }

  get rows(): readonly T[] {
    return this.#block.rows;
  }

  get schema(): readonly Field[] {
    return this.#block.schema;
  }

  column<K extends keyof Fields<T> & string>(name: K): Column<Fields<T>[K]> {
    return this.#block.column(name);
  }

  slice(from: number, to: number): Block<T> {
    return this.#block.slice(from, to);
  }

  toTransfer(): BlockTransfer {
    return this.#block.toTransfer();
  }
}

export function outputBlock<T>(block: Block<unknown>, lineage: string): OutputBlock<T> {
  return new LabelledBlock(block as Block<T>, lineage);
}
