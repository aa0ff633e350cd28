/**
 * What the charts ask of the world. Behind each address sits an actor that does something for real:
 * runs a transform, lets a block go, tells the time. A chart only ever sends these messages, so the
 * same charts run live, in a simulation and in a model checker.
 */
import type { BlockRef } from './block.ts';
import type { Credit } from './resource/ledger.ts';
import type { Address } from './xstate.ts';

/** Runs transforms. */
export type RunnerEvent =
  /** The run begins: list what the sources will read, open what must be open. */
  | { readonly type: 'runner.open'; readonly replyTo: Address<RunnerOpened> }
  | RunnerRun
  /** More credit for the run that `replyTo` has under way. */
  | {
      readonly type: 'runner.credit';
      readonly run: number;
      readonly credit: Credit;
      readonly replyTo: Address<RunReport>;
    }
  /** Read no more: the run ends as soon as what was read is out. */
  | {
      readonly type: 'runner.finish';
      readonly run: number;
      readonly replyTo: Address<RunReport>;
    }
  /** Asks the run to end soon. Its real end is still reported. */
  | {
      readonly type: 'runner.cancel';
      readonly run: number;
      readonly reason: unknown;
      readonly replyTo: Address<RunReport>;
    }
  /** No run will come any more: let go of all that is kept between runs, then `runner.closed`. */
  | {
      readonly type: 'runner.close';
      readonly outcome: 'done' | 'failed' | 'cancelled';
      readonly reason: unknown;
      readonly replyTo: Address<RunnerClosed>;
    }
  /** Blocks that are being made again are not waited for any more. */
  | { readonly type: 'runner.abandon'; readonly reason: unknown };

/** Starts one run of an operator's transform over some input blocks, one after the other. */
export interface RunnerRun {
  readonly type: 'runner.run';
  /** Index of the operator in the plan. */
  readonly operator: number;
  /** Number of the task within its operator. */
  readonly task: number;
  /** Number of this run at its task actor: reports that carry another number are stale. */
  readonly run: number;
  /** Which attempt this is for the first input; 1 for all further ones. */
  readonly attempt: number;
  readonly inputs: readonly BlockRef[];
  /** How many of the inputs come from each input port. */
  readonly perPort: readonly number[];
  /** Which ports will get nothing after these inputs. */
  readonly ended: readonly boolean[];
  /** How many outputs of the first input are out already and must not be yielded again. */
  readonly skip: number;
  readonly credit: Credit;
  /** The inputs are over: yield what was kept back. */
  readonly flush: boolean;
  readonly replyTo: Address<RunReport>;
}

/** What every report of a run says: what has happened since the report before. */
export interface RunDelta {
  readonly run: number;
  /** The run's clock, in milliseconds. */
  readonly now: number;
  /** Blocks that are in the store now, in the order they were yielded. */
  readonly outputs: readonly BlockRef[];
  /** How many inputs are done with, from the front. */
  readonly consumed: number;
  /** How many outputs of the input in progress are out, over all attempts. */
  readonly partial: number;
  /** Time spent inside the transform, in milliseconds. */
  readonly busyMs: number;
  /** Rows of inputs that are done with that were given up. */
  readonly droppedRows: readonly DeadLetter[];
}

export type RunReport =
  | ({ readonly type: 'run.progress'; readonly held: Credit | undefined } & RunDelta)
  /** The run is over for real. `satisfied`: the operator needs no more input, ever. */
  | ({
      readonly type: 'run.end';
      readonly satisfied: boolean;
      /** The input ports it cannot go on without; undefined when there is only one. */
      readonly wants: readonly number[] | undefined;
    } & RunDelta)
  | ({
      readonly type: 'run.error';
      readonly error: unknown;
      /** Milliseconds to wait before another attempt; undefined when there should be none. */
      readonly retryAfter: number | undefined;
    } & RunDelta);

export type RunnerOpened =
  | {
      readonly type: 'runner.opened';
      /** The run's clock, in milliseconds. */
      readonly now: number;
      /** What each source has to read, as blocks with one split each, by operator index. */
      readonly splits: ReadonlyMap<number, readonly BlockRef[]>;
    }
  | {
      readonly type: 'runner.refused';
      readonly now: number;
      /** Index of the operator that could not be opened. */
      readonly operator: number;
      readonly error: unknown;
    };

export interface RunnerClosed {
  readonly type: 'runner.closed';
  /** The run's clock, in milliseconds. */
  readonly now: number;
  /** What went wrong while closing: a sink that could not commit, for instance. */
  readonly failures: readonly { readonly operator: number; readonly error: unknown }[];
}

/** Holds the blocks. */
export type StoreEvent =
  /** One more holder for each ref. */
  | { readonly type: 'store.retain'; readonly refs: readonly BlockRef[]; readonly count: number }
  /** One holder less for each ref; a block nobody holds is gone. */
  | { readonly type: 'store.release'; readonly refs: readonly BlockRef[] }
  /** How many bytes may be in memory from now on. */
  | { readonly type: 'store.setLimit'; readonly blockBytes: number }
  /** Asks for the bytes that were freed since the last time. Answered by `store.report`. */
  | { readonly type: 'store.poll'; readonly replyTo: Address<StoreReport> };

export interface StoreReport {
  readonly type: 'store.report';
  /** Bytes freed since the last report, by producer; less than none when blocks came back from disk. */
  readonly released: ReadonlyMap<number, number>;
  readonly spill: SpillReport;
}

/** How the spilling of blocks went so far. */
export interface SpillReport {
  /** Blocks on their way out of memory: there will be more room soon, and news when there is. */
  readonly writing: number;
  /** Blocks written, and how many bytes of memory they took. */
  readonly written: number;
  readonly writtenBytes: number;
  /** Blocks read again. */
  readonly restored: number;
  /** Blocks that could not be read again, and were made again from where they had come from. */
  readonly remade: number;
  /** Blocks that could not be written, or not be read. */
  readonly failed: number;
  /** What the last failure was; undefined when there was none. */
  readonly lastError: string | undefined;
}

export const noSpill: SpillReport = {
  writing: 0,
  written: 0,
  writtenBytes: 0,
  restored: 0,
  remade: 0,
  failed: 0,
  lastError: undefined,
};

/** Tells the time and calls back later. */
export type ClockEvent =
  /** Calls back with `cycle` in the next macrotask, so that I/O and timers get their turn. */
  | { readonly type: 'clock.cycle'; readonly replyTo: Address<CycleEvent> }
  /** Calls back with `event` after `delay` milliseconds; a second call under one key replaces. */
  | {
      readonly type: 'clock.wake';
      readonly key: string;
      readonly delay: number;
      readonly event: { readonly type: string };
      readonly replyTo: Address<never>;
    }
  | { readonly type: 'clock.cancel'; readonly key: string };

export interface CycleEvent {
  readonly type: 'cycle';
  /** The run's clock, in milliseconds. */
  readonly now: number;
}

/** Hands blocks to the consumer. */
export type OutletEvent =
  /** Asks how the consumer is doing. Answered by `outlet.report`. */
  | { readonly type: 'outlet.poll'; readonly replyTo: Address<OutletReport> }
  | { readonly type: 'outlet.deliver'; readonly refs: readonly BlockRef[] }
  | { readonly type: 'outlet.deadLetter'; readonly letter: DeadLetter }
  /**
   * Nothing more will come. Undelivered blocks are let go of unless the run is done. Answered by
   * `outlet.closed` when the last dead letter has been handled.
   */
  | {
      readonly type: 'outlet.close';
      readonly outcome: 'done' | 'failed' | 'cancelled';
      readonly reason: unknown;
      readonly replyTo: Address<OutletClosed> | undefined;
    }
  /**
   * Nobody is to wait for the consumer any more, nor for dead letters: what it has not taken is let go of.
   * Answered by `outlet.abandoned`.
   */
  | {
      readonly type: 'outlet.abandon';
      readonly reason: unknown;
      readonly replyTo: Address<OutletAbandoned> | undefined;
    };

export interface OutletClosed {
  readonly type: 'outlet.closed';
}

export interface OutletAbandoned {
  readonly type: 'outlet.abandoned';
  /** Blocks that were let go of. */
  readonly blocks: number;
  readonly reason: unknown;
}

export interface OutletReport {
  readonly type: 'outlet.report';
  /** Blocks the consumer has been given and not let go of. */
  readonly held: number;
  /** The consumer waits for a block. */
  readonly waits: boolean;
  /** Dead letters that are being handled, and keep their blocks. */
  readonly burying: number;
}

/** A block that was given up, with why and where. */
export interface DeadLetter {
  readonly operator: string;
  readonly lineage: string;
  /** Attempts made. */
  readonly attempts: number;
  readonly cause: unknown;
  readonly input: BlockRef;
  /** Which row of the block was given up; undefined when all of them were. */
  readonly row: number | undefined;
  /** Outputs that had been published before the block was given up. */
  readonly published: number;
}

export type RunnerAddress = Address<RunnerEvent>;
export type StoreAddress = Address<StoreEvent>;
export type ClockAddress = Address<ClockEvent>;
export type OutletAddress = Address<OutletEvent>;
