/** The outputs of a run: each block goes into the store when there is credit for it. */
import { childLineage, mixedLineage, type BlockRef } from '../machines/block.ts';
import type { Credit } from '../machines/resource/ledger.ts';
import type { AttemptTimer } from './attempt-timer.ts';
import type { Block } from './block.ts';
import type { Making } from './origin.ts';
import type { RunNews } from './run-news.ts';
import type { RunTools } from './running.ts';
import type { TimeSlice } from './time-slice.ts';

/** What the outputs need from their run. */
export interface RunState {
  readonly news: RunNews;
  readonly timer: AttemptTimer;
  readonly slice: TimeSlice;
  /** Nothing more of it is wanted. */
  readonly isEnding: () => boolean;
  /** Nothing more will come of it. */
  readonly isOver: () => boolean;
  /** It goes on: it has got the credit it waited for, or is to end without. */
  readonly onResume: () => void;
}

export class RunOutputs {
  readonly #tools: RunTools;
  readonly #run: RunState;
  #credit: Credit;
  /** What the run waits for, and how it goes on. */
  #held: { readonly missing: Credit; readonly resume: () => void } | undefined;
  /** The input in progress, the attempt at it, and how many of its outputs have been yielded so far. */
  #input: BlockRef | undefined;
  #attempt = 1;
  #yielded = 0;
  /** Outputs of it that an attempt before this one has published. */
  #skip = 0;

  constructor(tools: RunTools, run: RunState, credit: Credit) {
    this.#tools = tools;
    this.#run = run;
    this.#credit = credit;
  }

  /** Credit that the run waits for. */
  get missing(): Credit | undefined {
    return this.#held?.missing;
  }

  /**
   * Outputs of the input in progress that are published, over all attempts: what one before this has
   * published stays so, however far this one came.
   */
  get partial(): number {
    return Math.max(this.#yielded, this.#skip);
  }

  begin(input: BlockRef | undefined, attempt: number, skip: number): void {
    this.#input = input;
    this.#attempt = attempt;
    this.#yielded = 0;
    this.#skip = skip;
  }

  /** The input in progress is done with. */
  end(): void {
    this.#yielded = 0;
    this.#skip = 0;
  }

  addCredit({ blocks, bytes }: Credit): void {
    this.#credit = { blocks: this.#credit.blocks + blocks, bytes: this.#credit.bytes + bytes };
    this.resume();
  }

  /** Ends the wait for credit. */
  resume(): void {
    this.#held?.resume();
  }

  /** Waits for the right to produce one more block, taken before each yield. */
  awaitCredit(): Promise<void> | undefined {
    if (this.#credit.blocks > 0 || this.#yielded < this.#skip) return undefined;
    return this.#hold({ blocks: 1, bytes: -this.#credit.bytes });
  }

  async publishAll(blocks: readonly Block<unknown>[]): Promise<void> {
    for (const block of blocks) {
      const wait = this.publish(block);
      if (wait !== undefined) await wait;
    }
  }

  /** Puts a block into the store; returns a promise only if it has to wait for credit. */
  publish(block: Block<unknown>): Promise<void> | undefined {
    if (block.numRows === 0) return undefined;
    if (this.#yielded < this.#skip) {
      // An attempt before this one has published it.
      this.#yielded += 1;
      return undefined;
    }
    const missing = this.#missingFor(block);
    if (missing === undefined) {
      this.#put(block);
      return undefined;
    }
    return this.#publishLater(block, missing);
  }

  async #publishLater(block: Block<unknown>, missing: Credit): Promise<void> {
    let lack: Credit | undefined = missing;
    while (lack !== undefined) {
      await this.#hold(lack);
      if (this.#run.isEnding()) return;
      lack = this.#missingFor(block);
    }
    this.#put(block);
  }

  #missingFor(block: Block<unknown>): Credit | undefined {
    const blocks = Math.max(0, 1 - this.#credit.blocks);
    const bytes = block.sizeBytes - this.#credit.bytes;
    return blocks === 0 && bytes <= 0 ? undefined : { blocks, bytes };
  }

  #put(block: Block<unknown>): void {
    if (this.#run.isEnding()) return;
    const { store, program, stateful, onNews } = this.#tools;
    const lineage =
      stateful === undefined
        ? childLineage(this.#input?.lineage ?? '', this.#yielded)
        : mixedLineage(program.index, stateful.outputs++);
    // A worker's store may refuse a block that cannot be sent: then it does not count.
    this.#run.news.outputs.push(store.put(block, lineage, program.index, this.#making()));
    this.#yielded += 1;
    const { blocks, bytes } = this.#credit;
    this.#credit = { blocks: blocks - 1, bytes: bytes - block.sizeBytes };
    this.#run.slice.made(block.sizeBytes);
    onNews();
  }

  /** How the next output is made, if that may be repeated. */
  #making(): Making | undefined {
    const input = this.#input;
    if (this.#tools.program.mayRepeat !== true || input === undefined) return undefined;
    return { input, attempt: this.#attempt, index: this.#yielded };
  }

  #hold(missing: Credit): Promise<void> {
    const { news, timer, isEnding, isOver, onResume } = this.#run;
    timer.pause();
    news.hold();
    return new Promise((resolve) => {
      const resume = (): void => {
        this.#held = undefined;
        if (!isOver()) timer.resume();
        onResume();
        resolve();
      };
      this.#held = { missing, resume };
      this.#tools.onNews();
      if (isEnding()) resume();
    });
  }
}
