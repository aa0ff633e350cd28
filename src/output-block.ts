/** A block as the consumer of a run gets it. */
import type { Block, Field } from '../actors/block.ts';

export interface OutputBlock<T> extends Block<T> {
  /** Where it came from, by position; the same on every schedule and every retry. */
  readonly lineage: string;
}

class LabelledBlock<T> implements OutputBlock<T> {
  readonly kind = 'rows';
  readonly lineage: string;
  readonly rows: readonly T[];
  readonly numRows: number;
  readonly sizeBytes: number;
  readonly #block: Block<T>;

  constructor(block: Block<T>, lineage: string) {
    this.lineage = lineage;
    this.rows = block.rows;
    this.numRows = block.numRows;
    this.sizeBytes = block.sizeBytes;
    this.#block = block;
  }

  get schema(): readonly Field[] {
    return this.#block.schema;
  }

  slice(from: number, to: number): Block<T> {
    return this.#block.slice(from, to);
  }
}

export function outputBlock<T>(block: Block<unknown>, lineage: string): OutputBlock<T> {
  return new LabelledBlock(block as Block<T>, lineage);
}
