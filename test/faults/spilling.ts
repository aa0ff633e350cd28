/** A run that cannot help spilling: its first operator makes twice the budget before the second begins. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  columnBlock,
  pipeline,
  type Budget,
  type OperatorOptions,
  type Run,
} from '../../src/index.ts';
import type { SpillingStore } from '../../actors/spill.ts';

export const BLOCKS = 64;
const BLOCK_BYTES = 16 * 1024;
const NUMBERS = BLOCK_BYTES / 8;

/** Rows that are right: block after block the same number, so that a mix-up shows. */
export const right = (block: number): number => block * 1000 + 7;

export interface Spilling {
  readonly run: Run<number>;
  /** Resolves when all blocks are made and as many as must be are spilled. */
  readonly spilled: Promise<void>;
  /** Lets the second operator begin. */
  readonly goOn: () => void;
}

export function spillingRun(
  store: SpillingStore,
  options: OperatorOptions & {
    readonly kind?: 'rows' | 'columns';
    /** Options of the operator whose blocks are spilled. */
    readonly make?: OperatorOptions;
    readonly budget?: Budget;
  } = {},
): Spilling {
  const {
    kind = 'columns',
    make = {},
    budget = { cpu: 1, blockBytes: (BLOCKS / 2) * BLOCK_BYTES },
    ...rest
  } = options;
  let goOn: () => void = () => undefined;
  let onSpilled: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const spilled = new Promise<void>((resolve) => {
    onSpilled = resolve;
  });
  const run = pipeline('spilling')
    .from([0])
    .mapBlocks(
      function* () {
        for (let block = 0; block < BLOCKS; block++) {
          if (kind === 'columns') {
            yield columnBlock({ x: new Float64Array(NUMBERS).fill(right(block)) });
          } else yield [{ x: right(block), text: String(block).padEnd(BLOCK_BYTES, 'x') }];
        }
        onSpilled();
      },
      { name: 'make', resources: { cpu: 0 }, queue: { blocks: BLOCKS }, ...make },
    )
    .mapBlocks(
      async (rows) => {
        await gate;
        const [first] = rows;
        if (first === undefined || rows.some(({ x }) => x !== first.x)) throw new Error('mixed up');
        return [first.x];
      },
      { name: 'check', maxConcurrency: 1, preserveOrder: true, input: { blocks: 1 }, ...rest },
    )
    .start({ budget, store });
  return { run, spilled, goOn };
}

/** A folder of its own for a test. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'sluice-test-'));
}

/** The spilled files in a folder, the oldest block first. */
export function filesIn(parent: string): readonly string[] {
  return readdirSync(parent, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.block'))
    .map((name) => join(parent, name))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}
